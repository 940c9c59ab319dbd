// Package shared holds what the local and the remote Command have in common.
package shared

// Lifecycle is when which command runs. A change of Triggers replaces the resource.
type Lifecycle struct {
	Triggers *[]any  `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Create   *string `pulumi:"create,optional"`
	Update   *string `pulumi:"update,optional"`
	Delete   *string `pulumi:"delete,optional"`
}

// OnUpdate is the command of an update: `update`, else `create` again, else none.
func (l Lifecycle) OnUpdate() *string {
	if l.Update != nil {
		return l.Update
	}
	return l.Create
}

// Names of the variables that carry the outputs of the run before.
const (
	PreviousStdout = "PULUMI_COMMAND_STDOUT"
	PreviousStderr = "PULUMI_COMMAND_STDERR"
)
