package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mirrorgate/benchmarks/peers"
	"mirrorgate/configs"
	"mirrorgate/test/harness"
)

// A gateway that has not found its fleet must not be measured as one of it.
func TestKnownToRedis(t *testing.T) {
	redis := harness.StartRedis(t)
	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := (&bed{ctx: soon, redisAt: redis.Addr}).knownToRedis(); err == nil {
		t.Error("nobody is connected, and it is taken for one of a fleet")
	}
	conn, err := net.Dial("tcp", redis.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "CLIENT SETNAME mirrorgate\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := (&bed{ctx: t.Context(), redisAt: redis.Addr}).knownToRedis(); err != nil {
		t.Error(err)
	}
}

func TestFleetIsConfigured(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	v := peers.Values{Listen: "127.0.0.1:8080", Dir: t.TempDir(), Hosts: "*", Bucket: `{dir: "/nowhere"}`,
		Origin: "http://127.0.0.1:1", Shared: `shared: {redis: "redis://127.0.0.1:1"}`}
	if err := peers.Write(file, "mirrorgate.yaml.tmpl", v); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := configs.Parse(text, os.LookupEnv)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if !c.Shared.On() {
		t.Errorf("on its own:\n%s", text)
	}
}
