/** The majority that so many voters need. */
export const quorumOf = (voters: number): number => Math.floor(voters / 2) + 1;
