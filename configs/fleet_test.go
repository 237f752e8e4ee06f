package configs

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// composeFile is what is looked at of fleet/compose.yaml.
type composeFile struct {
	Services map[string]composeService `yaml:"services"`
	Volumes  map[string]any            `yaml:"volumes"`
}

type composeService struct {
	Build struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	Environment map[string]string `yaml:"environment"`
	Volumes     []string          `yaml:"volumes"`
	Expose      []string          `yaml:"expose"`
	Grace       string            `yaml:"stop_grace_period"`
	Command     []string          `yaml:"command"`
}

func fleetFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("fleet", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	var c composeFile
	if err := yaml.Unmarshal(fleetFile(t, "compose.yaml"), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// gateways are the services that are built from this repository, by name.
func (c composeFile) gateways() map[string]composeService {
	gateways := maps.Clone(c.Services)
	maps.DeleteFunc(gateways, func(_ string, s composeService) bool { return s.Build.Dockerfile == "" })
	return gateways
}

// filledIn are the values of env.example when somebody has filled it in.
func filledIn() map[string]string {
	return map[string]string{
		"ORIGIN": "https://old.example.com", "S3_ENDPOINT": "https://s3.example.net", "S3_BUCKET": "assets",
		"S3_REGION": "us-east-1", "S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "secret-of-the-bucket",
		"FLEET_SECRET": "0123456789abcdef0123456789abcdef", "REDIS_PASSWORD": "fedcba9876543210",
		"ADMIN_TOKEN": "a-token-of-the-admin",
	}
}

var composeVariable = regexp.MustCompile(`\$\{(\w+)(?::[?-][^}]*)?\}`)

// composed puts the values into a text as compose does.
func composed(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	return composeVariable.ReplaceAllStringFunc(text, func(found string) string {
		name := composeVariable.FindStringSubmatch(found)[1]
		if _, ok := values[name]; !ok {
			t.Errorf("%s: is not in env.example", found)
		}
		return values[name]
	})
}

// load loads the fleet's configuration with an environment.
func load(t *testing.T, env map[string]string) *Config {
	t.Helper()
	c, err := Parse(fleetFile(t, "mirrorgate.yaml"), func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFleetExampleOfVariablesIsWhole(t *testing.T) {
	var names []string
	for line := range strings.Lines(string(fleetFile(t, "env.example"))) {
		if name, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			names = append(names, name)
		}
	}
	if want := slices.Sorted(maps.Keys(filledIn())); !slices.Equal(slices.Sorted(slices.Values(names)), want) {
		t.Errorf("env.example has %q, want %q", names, want)
	}
}

func TestFleetLoadsFromCompose(t *testing.T) {
	compose := readCompose(t)
	gateways := compose.gateways()
	if len(gateways) != 3 {
		t.Fatalf("%d gateways, want 3", len(gateways))
	}
	advertised, spools := make(map[string]bool), make(map[string]bool)
	for name, service := range gateways {
		env := make(map[string]string)
		for variable, value := range service.Environment {
			env[variable] = composed(t, value, filledIn())
		}
		c := load(t, env)
		if c.Shared.Advertise != "http://"+name+":8080" || !c.Shared.On() {
			t.Errorf("%s: shared %+v", name, c.Shared)
		}
		if !slices.Contains(service.Expose, portOfListen(t, c.Server.Listen)) {
			t.Errorf("%s: exposes %v, and listens on %s", name, service.Expose, c.Server.Listen)
		}
		if grace, err := time.ParseDuration(service.Grace); err != nil || grace <= c.Server.Drain+c.Server.Grace {
			t.Errorf("%s: is killed after %q, and may take %v", name, service.Grace, c.Server.Grace)
		}
		advertised[c.Shared.Advertise] = true
		spools[checkMounts(t, compose, service, c.DataDir)] = true
	}
	if len(advertised) != len(gateways) || len(spools) != len(gateways) {
		t.Errorf("the gateways share an advertise or a spool: %v, %v", advertised, spools)
	}
	checkRedis(t, compose.Services["redis"].Command)
}

// checkMounts wants the configuration and a volume at the data directory, and returns the volume.
func checkMounts(t *testing.T, compose composeFile, s composeService, dataDir string) (volume string) {
	t.Helper()
	config := false
	for _, mount := range s.Volumes {
		from, to, _ := strings.Cut(mount, ":")
		config = config || from == "./mirrorgate.yaml" && to == configFile(t)+":ro"
		if to == dataDir {
			volume = from
		}
	}
	if _, known := compose.Volumes[volume]; !known || !config {
		t.Errorf("mounts %v: want the configuration at %s and a volume at %s", s.Volumes, configFile(t), dataDir)
	}
	return volume
}

// configFile is where the image looks for its configuration.
func configFile(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^CMD \["serve", "--config", "(.*)"\]$`).FindSubmatch(fleetFile(t, "Dockerfile"))
	if found == nil {
		t.Fatal("the image does not serve a configuration")
	}
	return string(found[1])
}

// checkRedis wants what the README says that Redis needs.
func checkRedis(t *testing.T, command []string) {
	t.Helper()
	for option, want := range map[string]string{"--maxmemory-policy": "noeviction", "--appendonly": "yes"} {
		if i := slices.Index(command, option); i < 0 || i+1 == len(command) || command[i+1] != want {
			t.Errorf("redis is started as %v: want %s %s", command, option, want)
		}
	}
}

func portOfListen(t *testing.T, listen string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestFleetIsBuiltFromTheRepository(t *testing.T) {
	for name, service := range readCompose(t).gateways() {
		root := filepath.Join("fleet", service.Build.Context)
		for _, file := range []string{"go.mod", service.Build.Dockerfile} {
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	mod, err := os.ReadFile(filepath.Join("..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(mod), "\ngo ")
	minor := strings.Join(strings.SplitN(version, ".", 3)[:2], ".")
	if !bytes.Contains(fleetFile(t, "Dockerfile"), []byte("\nFROM golang:"+minor+"-")) {
		t.Errorf("the image is not built with Go %s, which go.mod wants", minor)
	}
}

// The load balancer asks what compose starts, where it listens, and for its health.
func TestFleetBalancer(t *testing.T) {
	text := string(fleetFile(t, "haproxy.cfg"))
	env := filledIn()
	env["REDIS_URL"], env["ADVERTISE_HOST"] = "redis://127.0.0.1", "here"
	c := load(t, env)
	var asked []string
	for _, found := range regexp.MustCompile(`(?m)^    server (\S+) (\S+):(\d+)$`).FindAllStringSubmatch(text, -1) {
		asked = append(asked, found[2])
		if found[3] != portOfListen(t, c.Server.Listen) {
			t.Errorf("%s is asked on %s, and listens on %s", found[2], found[3], c.Server.Listen)
		}
	}
	if want := slices.Sorted(maps.Keys(readCompose(t).gateways())); !slices.Equal(slices.Sorted(slices.Values(asked)), want) {
		t.Errorf("it asks %v; the gateways are %v", asked, want)
	}
	if !strings.Contains(text, "meth GET uri "+c.Server.HealthPath+" ") {
		t.Errorf("it does not look at %s", c.Server.HealthPath)
	}
	if !regexp.MustCompile(`(?m)^    retry-on conn-failure`).MatchString(text) {
		t.Error("it asks no other gateway when one fails")
	}
	found := regexp.MustCompile(`timeout http-keep-alive (\d+)s`).FindStringSubmatch(text)
	if found == nil {
		t.Fatal("it keeps connections without an end")
	}
	if seconds, err := strconv.Atoi(found[1]); err != nil || time.Duration(seconds)*time.Second >= c.Server.IdleTimeout {
		t.Errorf("it keeps connections for %ss, the gateways for %v", found[1], c.Server.IdleTimeout)
	}
}

// documents are all of a file.
func documents[T any](t *testing.T, data []byte) []T {
	t.Helper()
	var all []T
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var one T
		err := d.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
}
