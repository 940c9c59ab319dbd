package remote

import (
	"context"
	"fmt"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"

	"homelab-k3s/lab/toolchain/providers/command/shared"
)

// run runs one command over SSH and keeps its outputs. It does not end with the context: a session that runs is
// waited for, whatever the engine's cancellation or timeouts say.
func (s *CommandOutputs) run(ctx context.Context, command string) error {
	client, err := s.Connection.dial(ctx)
	if err != nil {
		return err
	}
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	if err := s.setEnvironment(ctx, session); err != nil {
		return err
	}
	if s.Stdin != nil && *s.Stdin != "" {
		session.Stdin = strings.NewReader(*s.Stdin)
	}

	streams := shared.Capture(ctx)
	session.Stdout, session.Stderr = streams.Writers(s.Logging)
	err = session.Run(command)
	streams.Close()
	if err != nil {
		return fmt.Errorf("%w: running %q:\n%s", err, command, streams.Both())
	}
	s.Stdout, s.Stderr = streams.Outputs()
	return nil
}

// setEnvironment fails when sshd does not accept a variable of the program, and only warns about those with the outputs before.
func (s *CommandOutputs) setEnvironment(ctx context.Context, session *ssh.Session) error {
	for name, value := range s.Environment {
		if err := session.Setenv(name, value); err != nil {
			p.GetLogger(ctx).Error(refused(name))
			return fmt.Errorf("could not set environment variable %q: %w", name, err)
		}
	}
	if s.AddPreviousOutputInEnv != nil && !*s.AddPreviousOutputInEnv {
		return nil
	}
	previous := [][2]string{{shared.PreviousStdout, s.Stdout}, {shared.PreviousStderr, s.Stderr}}
	for _, variable := range previous {
		if variable[1] == "" {
			continue
		}
		if err := session.Setenv(variable[0], variable[1]); err != nil {
			p.GetLogger(ctx).Warning(refused(variable[0]))
		}
	}
	return nil
}

func refused(name string) string {
	return fmt.Sprintf("Unable to set '%s'. This only works if your SSH server is configured to accept\n"+
		"\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could\n"+
		"\tprefix the command itself with the variables in the form 'VAR=value command'", name)
}
