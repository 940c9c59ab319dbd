/** Type tokens of this program's components, as they stand in the state: renaming one would replace it. */
export const componentType = (name: string) => `homelab-k3s:components:${name}`;
