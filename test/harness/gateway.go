package harness

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// HealthPath is where the gateway says whether it is ready.
const HealthPath = "/.mirrorgate/health"

// Gateway is a running mirrorgate. It is restarted with its configuration file, address and data folder.
type Gateway struct {
	*Process
	Addr    string // 127.0.0.1:port of the traffic
	URL     string // http://127.0.0.1:port
	Config  string // the configuration file; "" when started from flags
	DataDir string
	client  *http.Client
}

// GatewayOption changes how a gateway is started.
type GatewayOption func(*gatewayOptions)

type gatewayOptions struct {
	env      []string
	args     []string
	dataDir  string
	notReady bool
	program  func(testing.TB) string
}

// WithEnv adds "NAME=value" to the gateway's environment, for ${NAME} in its configuration.
func WithEnv(env ...string) GatewayOption {
	return func(o *gatewayOptions) { o.env = append(o.env, env...) }
}

// WithArgs adds arguments of serve, e.g. --origin and --bucket when there is no configuration file.
func WithArgs(args ...string) GatewayOption {
	return func(o *gatewayOptions) { o.args = append(o.args, args...) }
}

// WithDataDir makes the gateway use a folder that the test knows, instead of a new one.
func WithDataDir(dir string) GatewayOption { return func(o *gatewayOptions) { o.dataDir = dir } }

// NotReady makes StartGateway return at once: for a gateway that does not get ready, or only when the test has done
// something. Process.WaitReady waits for it later.
func NotReady() GatewayOption { return func(o *gatewayOptions) { o.notReady = true } }

// WithRace runs a gateway that is built with the race detector.
func WithRace() GatewayOption { return func(o *gatewayOptions) { o.program = MirrorgateRace } }

// StartGateway builds mirrorgate from this tree and runs `mirrorgate serve` with the configuration, or from flags alone
// (WithArgs) if that is empty. A configuration without server gets a free address to listen on, one without data_dir
// a new folder; one that has them may use ${LISTEN} and ${DATA_DIR}. One without memory keeps nothing there, so that
// every answer shows what the bucket says.
func StartGateway(t testing.TB, config string, options ...GatewayOption) *Gateway {
	t.Helper()
	o := gatewayOptions{program: Mirrorgate}
	for _, option := range options {
		option(&o)
	}
	if o.dataDir == "" {
		o.dataDir = t.TempDir()
	}
	g := &Gateway{Addr: FreeAddr(t), DataDir: o.dataDir, client: newHTTPClient()}
	g.URL = "http://" + g.Addr
	args := g.serveArgs(t, config)
	env := append(o.env, "LISTEN="+g.Addr, "DATA_DIR="+g.DataDir)
	c := command{name: "mirrorgate", path: o.program(t), args: append(args, o.args...), env: env, up: g.up}
	g.Process = start(t, c, !o.notReady)
	return g
}

// serveArgs writes the configuration file, if there is one, and says how to run serve.
func (g *Gateway) serveArgs(t testing.TB, config string) []string {
	t.Helper()
	if config == "" {
		return []string{"serve", "--listen", g.Addr, "--data-dir", g.DataDir}
	}
	g.Config = filepath.Join(t.TempDir(), "mirrorgate.yaml")
	g.WriteConfig(t, config)
	return []string{"serve", "--config", g.Config}
}

// WriteConfig replaces the configuration file, completed as StartGateway does; it counts from the next Restart on.
func (g *Gateway) WriteConfig(t testing.TB, config string) {
	t.Helper()
	if err := os.WriteFile(g.Config, []byte(complete(config)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// complete appends what every configuration here needs and this one leaves out. It appends, so that the lines of
// reported mistakes stay.
func complete(config string) string {
	if !regexp.MustCompile(`(?m)^server:`).MatchString(config) {
		config += "\nserver: {listen: \"${LISTEN}\"}"
	}
	if !regexp.MustCompile(`(?m)^admin:`).MatchString(config) {
		config += "\nadmin: {listen: \"\"}"
	}
	if !regexp.MustCompile(`(?m)^data_dir:`).MatchString(config) {
		config += "\ndata_dir: \"${DATA_DIR}\""
	}
	if !regexp.MustCompile(`(?m)^memory:`).MatchString(config) {
		config += "\nmemory: {max_bytes: 0}"
	}
	return config + "\n"
}

func (g *Gateway) up(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL+HealthPath, nil)
	if err != nil {
		return err
	}
	response, err := g.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("%s: %s: %s", HealthPath, response.Status, body)
	}
	return nil
}
