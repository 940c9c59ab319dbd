package remote

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/pulumi/pulumi-go-provider/infer"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Login is how to log in to one machine.
type Login struct {
	User               *string  `pulumi:"user,optional"`
	Password           *string  `pulumi:"password,optional" provider:"secret"`
	Host               *string  `pulumi:"host"`
	Port               *float64 `pulumi:"port,optional"`
	PrivateKey         *string  `pulumi:"privateKey,optional" provider:"secret"`
	PrivateKeyPassword *string  `pulumi:"privateKeyPassword,optional" provider:"secret"`
	AgentSocketPath    *string  `pulumi:"agentSocketPath,optional"`
	DialErrorLimit     *int     `pulumi:"dialErrorLimit,optional"`
	PerDialTimeout     *int     `pulumi:"perDialTimeout,optional"`
	HostKey            *string  `pulumi:"hostKey,optional"`
}

// Connection is a login, and the bastion to go through, if any.
type Connection struct {
	Login
	Proxy *ProxyConnection `pulumi:"proxy,optional"`
}

// ProxyConnection is the login to a bastion.
type ProxyConnection struct{ Login }

// Annotate sets the defaults of a connection.
func (c *Connection) Annotate(a infer.Annotator) { c.defaults(a) }

// Annotate sets the defaults of a bastion's connection.
func (c *ProxyConnection) Annotate(a infer.Annotator) { c.defaults(a) }

func (l *Login) defaults(a infer.Annotator) {
	a.SetDefault(&l.User, "root")
	a.SetDefault(&l.Port, 22)
	a.SetDefault(&l.DialErrorLimit, defaultDialErrorLimit)
	a.SetDefault(&l.PerDialTimeout, 15)
}

func (l *Login) endpoint() string {
	return net.JoinHostPort(*l.Host, strconv.Itoa(int(*l.Port)))
}

// clientConfig checks the host key only when one is given, and offers, in this order, the private key,
// the password (also as keyboard-interactive) and the agent's keys.
func (l *Login) clientConfig() (*ssh.ClientConfig, error) {
	config := &ssh.ClientConfig{
		User:            *l.User,
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		Timeout:         time.Duration(*l.PerDialTimeout) * time.Second,
	}
	if l.HostKey != nil {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*l.HostKey))
		if err != nil {
			return nil, fmt.Errorf("failed to parse host key: %w", err)
		}
		config.HostKeyCallback = ssh.FixedHostKey(key)
		config.HostKeyAlgorithms = []string{key.Type()}
	}
	if l.PrivateKey != nil {
		signer, err := l.signer()
		if err != nil {
			return nil, err
		}
		config.Auth = append(config.Auth, ssh.PublicKeys(signer))
	}
	if l.Password != nil {
		config.Auth = append(config.Auth, ssh.Password(*l.Password), ssh.KeyboardInteractive(l.answer))
	}
	if socket := l.agentSocket(); socket != "" {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return nil, err
		}
		config.Auth = append(config.Auth, ssh.PublicKeysCallback(agent.NewClient(conn).Signers))
	}
	return config, nil
}

func (l *Login) signer() (ssh.Signer, error) {
	if l.PrivateKeyPassword != nil {
		return ssh.ParsePrivateKeyWithPassphrase([]byte(*l.PrivateKey), []byte(*l.PrivateKeyPassword))
	}
	return ssh.ParsePrivateKey([]byte(*l.PrivateKey))
}

func (l *Login) answer(_, _ string, questions []string, _ []bool) ([]string, error) {
	answers := make([]string, len(questions))
	for i := range answers {
		answers[i] = *l.Password
	}
	return answers, nil
}

func (l *Login) agentSocket() string {
	if l.AgentSocketPath != nil {
		return *l.AgentSocketPath
	}
	return os.Getenv("SSH_AUTH_SOCK")
}
