// Package local is the stand-in for command:local. Its resource's token comes from this package's name.
package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"homelab-k3s/lab/toolchain/providers/command/shared"
)

// Command runs commands on the machine that runs Pulumi.
type Command struct{}

// CommandInputs are its inputs.
type CommandInputs struct {
	shared.Lifecycle
	Stdin                  *string            `pulumi:"stdin,optional"`
	Logging                *string            `pulumi:"logging,optional"`
	Interpreter            *[]string          `pulumi:"interpreter,optional"`
	Dir                    *string            `pulumi:"dir,optional"`
	Environment            *map[string]string `pulumi:"environment,optional"`
	AddPreviousOutputInEnv *bool              `pulumi:"addPreviousOutputInEnv,optional"`
}

// CommandOutputs is what is kept of it: its inputs, and the outputs of the last run.
type CommandOutputs struct {
	CommandInputs
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

// Create runs `create`.
func (*Command) Create(
	ctx context.Context, req infer.CreateRequest[CommandInputs],
) (infer.CreateResponse[CommandOutputs], error) {
	state := CommandOutputs{CommandInputs: req.Inputs}
	id, err := resource.NewUniqueHex(req.Name, 8, 0)
	if err == nil && !req.DryRun && state.Create != nil {
		err = state.run(ctx, *state.Create)
	}
	return infer.CreateResponse[CommandOutputs]{ID: id, Output: state}, err
}

// Update runs `update`, else `create`.
func (*Command) Update(
	ctx context.Context, req infer.UpdateRequest[CommandInputs, CommandOutputs],
) (infer.UpdateResponse[CommandOutputs], error) {
	state := CommandOutputs{CommandInputs: req.Inputs, Stdout: req.State.Stdout, Stderr: req.State.Stderr}
	var err error
	if command := state.OnUpdate(); command != nil && !req.DryRun {
		err = state.run(ctx, *command)
	}
	return infer.UpdateResponse[CommandOutputs]{Output: state}, err
}

// Delete runs the `delete` that is in the state.
func (*Command) Delete(ctx context.Context, req infer.DeleteRequest[CommandOutputs]) (infer.DeleteResponse, error) {
	if req.State.Delete == nil {
		return infer.DeleteResponse{}, nil
	}
	return infer.DeleteResponse{}, req.State.run(ctx, *req.State.Delete)
}

// run runs one command, which is killed when the context ends.
func (s *CommandOutputs) run(ctx context.Context, command string) error {
	argv := []string{"/bin/sh", "-c"}
	if s.Interpreter != nil && len(*s.Interpreter) > 0 {
		argv = *s.Interpreter
	}
	argv = append(append([]string{}, argv...), command)
	process := exec.CommandContext(ctx, argv[0], argv[1:]...)
	process.Env = append(os.Environ(), s.environment()...)
	if s.Dir != nil {
		process.Dir = *s.Dir
	}
	if s.Stdin != nil && *s.Stdin != "" {
		process.Stdin = strings.NewReader(*s.Stdin)
	}

	streams := shared.Capture(ctx)
	process.Stdout, process.Stderr = streams.Writers(s.Logging)
	err := process.Run()
	streams.Close()
	if err != nil {
		return fmt.Errorf("%w: running %q:\n%s", err, command, streams.Both())
	}
	s.Stdout, s.Stderr = streams.Outputs()
	return nil
}

func (s *CommandOutputs) environment() []string {
	var variables []string
	if s.Environment != nil {
		for name, value := range *s.Environment {
			variables = append(variables, name+"="+value)
		}
	}
	if s.AddPreviousOutputInEnv != nil && !*s.AddPreviousOutputInEnv {
		return variables
	}
	if s.Stdout != "" {
		variables = append(variables, shared.PreviousStdout+"="+s.Stdout)
	}
	if s.Stderr != "" {
		variables = append(variables, shared.PreviousStderr+"="+s.Stderr)
	}
	return variables
}
