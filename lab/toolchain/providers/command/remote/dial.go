package remote

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/retry"
	"golang.org/x/crypto/ssh"
)

const defaultDialErrorLimit = 10

// dial logs in, through the bastion when there is one. The connection stays open until this process ends.
func (c *Connection) dial(ctx context.Context) (*ssh.Client, error) {
	config, err := c.clientConfig()
	if err != nil {
		return nil, err
	}
	if c.Proxy == nil {
		return retryDial(ctx, "Dial", c.limit(), func() (*ssh.Client, error) {
			return ssh.Dial("tcp", c.endpoint(), config)
		})
	}
	client, err := c.dialThrough(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	return client, nil
}

// dialThrough gives up and retries on each leg by itself: to the bastion, from there to the machine, and the login.
func (c *Connection) dialThrough(ctx context.Context, config *ssh.ClientConfig) (*ssh.Client, error) {
	proxyConfig, err := c.Proxy.clientConfig()
	if err != nil {
		return nil, err
	}
	proxy, err := retryDial(ctx, "Dial proxy", c.Proxy.limit(), func() (*ssh.Client, error) {
		return ssh.Dial("tcp", c.Proxy.endpoint(), proxyConfig)
	})
	if err != nil {
		return nil, err
	}
	conn, err := retryDial(ctx, "Dial from proxy", c.limit(), func() (net.Conn, error) {
		return proxy.Dial("tcp", c.endpoint())
	})
	if err != nil {
		return nil, err
	}
	return retryDial(ctx, "Dial", c.limit(), func() (*ssh.Client, error) {
		login, channels, requests, err := ssh.NewClientConn(conn, c.endpoint(), config)
		if err != nil {
			return nil, err
		}
		return ssh.NewClient(login, channels, requests), nil
	})
}

func (l *Login) limit() int {
	if l.DialErrorLimit == nil {
		return defaultDialErrorLimit
	}
	return *l.DialErrorLimit
}

// retryDial tries with growing pauses (retry.Until's: 100 ms growing by half up to 5 s) until it succeeds, has failed
// more than `limit` times (-1: no limit), or the context ends.
func retryDial[T any](ctx context.Context, what string, limit int, try func() (T, error)) (T, error) {
	var result T
	done, _, err := retry.Until(ctx, retry.Acceptor{Accept: func(before int, _ time.Duration) (bool, any, error) {
		var err error
		if result, err = try(); err == nil {
			return true, nil, nil
		}
		if gaveUp(before, limit) {
			return true, nil, fmt.Errorf("after %d failed attempts: %w", before, err)
		}
		p.GetLogger(ctx).InfoStatusf("%s %d/%s failed: retrying", what, before+1, showLimit(limit))
		return false, nil, nil
	}})
	if done && err == nil {
		return result, nil
	}
	if err == nil {
		err = ctx.Err()
	}
	var none T
	return none, err
}

// gaveUp says whether a failure after `before` earlier ones is one too many.
func gaveUp(before, limit int) bool { return limit > -1 && before+1 > limit }

func showLimit(limit int) string {
	if limit == -1 {
		return "inf"
	}
	return strconv.Itoa(limit)
}
