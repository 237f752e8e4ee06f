package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"mirrorgate/gateway/admin"
)

// adminClient asks a running gateway's admin listener.
type adminClient struct {
	config admin.Config
	http   *http.Client
}

// newAdminClient uses no proxy: the token is for the gateway alone.
func newAdminClient(c admin.Config) *adminClient {
	return &adminClient{c, &http.Client{Transport: &http.Transport{}}}
}

// refusal is an answer of the admin listener that is not 200.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the admin listener answered %d: %s", r.status, r.message)
}

// ask sends a request, with a body unless that is nil, and reads the answer into into.
func (c *adminClient) ask(ctx context.Context, method, path string, body, into any) error {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	url := "http://" + reachable(c.config.Listen) + path
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.config.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.config.Token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the gateway's admin listener: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refused(resp)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("read the admin listener's answer: %w", err)
	}
	return nil
}

// refused reads an answer that is not 200.
func refused(resp *http.Response) error {
	var answer struct {
		Error string `json:"error"`
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil && json.Unmarshal(raw, &answer) != nil {
		answer.Error = "not in the form of mirrorgate's admin listener"
	}
	return errors.Join(&refusal{resp.StatusCode, answer.Error}, err)
}

// reachable is the address under which this machine reaches what listens on listen.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}
