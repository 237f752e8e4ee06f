package reload_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mirrorgate/test/harness"
	"mirrorgate/test/origin"
)

// fleet is two gateways over one bucket, behind the load balancer of configs/fleet.
type fleet struct {
	*load
	gateways []*harness.Gateway
	origin   *origin.Server
	url      string // of the load balancer
	stats    string
}

func startFleet(t *testing.T) *fleet {
	server := harness.StartMinIO(t)
	server.CreateBucket(t, "rolling")
	f := &fleet{load: newLoad(t), origin: origin.Start(t, origin.Config{})}
	for range 2 {
		f.gateways = append(f.gateways, harness.StartGateway(t, fmt.Sprintf(`
server: {listen: "${LISTEN}", drain: 2s}
memory: {max_bytes: 32MiB}
sites:
- name: site
  hosts: ["*"]
  bucket: {s3: {endpoint: %q, name: rolling, access_key: %q, secret_key: %q}}
  rules: [{id: all, origin: {primary: %q}}]
`, server.Endpoint, server.AccessKey, server.SecretKey, f.origin.URL())))
	}
	f.balance(t)
	return f
}

// balance starts the load balancer with the file that users get, but for its addresses and how often it looks.
func (f *fleet) balance(t *testing.T) {
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile(filepath.Join(root, "configs/fleet/haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	clients, stats := harness.FreeAddr(t), harness.FreeAddr(t)
	f.url, f.stats = "http://"+clients, "http://"+stats+"/;csv"
	text := string(shipped)
	for _, change := range [][2]string{
		{`maxconn 20000`, "maxconn 2000"}, // whose descriptors a process may have here
		{`bind :8000`, "bind " + clients},
		{`inter 2s`, "inter 250ms"},
		{` resolvers names init-addr libc,none`, ""},
		{`server gateway-1 gateway-1:8080`, "server gateway-1 " + f.gateways[0].Addr},
		{`server gateway-2 gateway-2:8080`, "server gateway-2 " + f.gateways[1].Addr},
		{`    server gateway-3 gateway-3:8080`, ""},
	} {
		if strings.Count(text, change[0]) != 1 {
			t.Fatalf("%q is not once in the shipped haproxy.cfg", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	text = regexp.MustCompile(`(?m)^resolvers names\n( .*\n)*`).ReplaceAllString(text, "")
	text += "\nlisten stats\n    bind " + stats + "\n    stats enable\n    stats uri /\n"
	harness.StartHAProxy(t, text, clients)
	f.balanced(t)
}

// balanced waits until the load balancer sends requests to both gateways.
func (f *fleet) balanced(t *testing.T) {
	t.Helper()
	harness.Eventually(t, patience, func() error {
		response, err := http.Get(f.stats)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		rows, err := csv.NewReader(response.Body).ReadAll()
		up := 0
		for _, row := range rows {
			if row[0] == "gateways" && strings.HasPrefix(row[1], "gateway-") && row[17] == "UP" {
				up++
			}
		}
		if up != len(f.gateways) {
			return fmt.Errorf("%d gateways are up: %v", up, err)
		}
		return nil
	})
}

// whole asks for an object, and compares all of it.
func (f *fleet) whole(path string, slow slowly) error {
	return f.send(request{method: http.MethodGet, url: f.url + path}, func(r *http.Response) error {
		if r.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", r.StatusCode)
		}
		if slow.pause > 0 {
			slow.Reader = r.Body
			return f.origin.Truth(path).Check(slow)
		}
		return f.origin.Truth(path).Check(r.Body)
	})
}

// part asks for a range.
func (f *fleet) part(path string, first, length int64) error {
	ranged := fmt.Sprintf("bytes=%d-%d", first, first+length-1)
	return f.send(request{method: http.MethodGet, url: f.url + path, ranged: ranged}, func(r *http.Response) error {
		if r.StatusCode != http.StatusPartialContent {
			return fmt.Errorf("status %d", r.StatusCode)
		}
		return f.origin.Truth(path).CheckRange(r.Body, first, length)
	})
}

// Gateways that are restarted one after the other, behind the load balancer as it is shipped, are not noticed by
// clients: health fails first, and what is under way is finished.
func TestRollingRestarts(t *testing.T) {
	t.Parallel()
	f, form := startFleet(t), formOf()
	for i := range int64(8) {
		if err := f.whole(hot(i), slowly{}); err != nil {
			t.Fatal(err)
		}
	}
	f.asks("hot", 3, func(n int64) error { return f.whole(hot(n%8), slowly{}) })
	f.asks("cold", 2, func(n int64) error { return f.whole(fmt.Sprintf("/~sound,size=40KiB/cold-%d.bin", n), slowly{}) })
	f.asks("range", 1, func(n int64) error { return f.part(hot(n%8), n%1000, 30_000) })
	f.asks("slow", 2, func(n int64) error {
		return f.whole(fmt.Sprintf("/~sound,size=2MiB/slow-%d.bin", n), slowly{pause: slowPause})
	})
	for i := range form.restarts {
		f.more(form.answers)
		g := f.gateways[i%len(f.gateways)]
		if code := g.Stop(t); code != 0 {
			t.Errorf("restart %d: exit code %d", i, code)
		}
		f.more(form.answers)
		g.Restart(t)
		f.balanced(t)
	}
	f.end()
	t.Logf("%d restarts, %d right answers, %d wrong", form.restarts, f.answers.Load(), f.wrong.Load())
}

func hot(n int64) string { return fmt.Sprintf("/~sound,size=40KiB/hot-%d.bin", n) }
