package shared

import (
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestAddresses(t *testing.T) {
	f := func(want redis.UniversalOptions, urls ...string) {
		t.Helper()
		o, _, err := Config{Redis: urls}.options()
		if err != nil {
			t.Errorf("%q: %v", urls, err)
			return
		}
		if !slices.Equal(o.Addrs, want.Addrs) || o.DB != want.DB || o.MasterName != want.MasterName ||
			o.IsClusterMode != want.IsClusterMode || o.TLSConfig != nil {
			t.Errorf("%q: %+v", urls, *o)
		}
		if o.Username != want.Username || o.Password != want.Password ||
			o.SentinelUsername != want.SentinelUsername || o.SentinelPassword != want.SentinelPassword {
			t.Errorf("%q: the user or the password is another", urls)
		}
	}
	one, two := []string{"10.0.0.1:6379"}, []string{"10.0.0.1:6379", "10.0.0.2:7000"}
	f(redis.UniversalOptions{Addrs: one}, "redis://10.0.0.1")
	f(redis.UniversalOptions{Addrs: one}, "redis://10.0.0.1:6379/")
	f(redis.UniversalOptions{Addrs: one, DB: 3}, "redis://10.0.0.1:6379/3")
	f(redis.UniversalOptions{Addrs: []string{"[::1]:6379"}}, "redis://[::1]:6379")
	f(redis.UniversalOptions{Addrs: one, Password: "pass"}, "redis://:pass@10.0.0.1:6379")
	f(redis.UniversalOptions{Addrs: one, Username: "user", Password: "p@ss"}, "redis://user:p%40ss@10.0.0.1:6379")
	f(redis.UniversalOptions{Addrs: one, IsClusterMode: true}, "redis://10.0.0.1:6379?cluster=true")
	f(redis.UniversalOptions{Addrs: two, IsClusterMode: true}, "redis://10.0.0.1:6379", "redis://10.0.0.2:7000")
	f(redis.UniversalOptions{Addrs: two, IsClusterMode: true},
		"redis://10.0.0.1:6379?cluster=true", "redis://10.0.0.2:7000?cluster=true")
	f(redis.UniversalOptions{Addrs: one, MasterName: "main", DB: 1}, "redis://10.0.0.1:6379/1?sentinel=main")
	f(redis.UniversalOptions{Addrs: two, MasterName: "main", Password: "pass", SentinelPassword: "pass"},
		"redis://:pass@10.0.0.1:6379?sentinel=main", "redis://:pass@10.0.0.2:7000?sentinel=main")
}

// TestTLS: of several servers each must prove its own name.
func TestTLS(t *testing.T) {
	o, _, err := Config{Redis: Addresses{"rediss://a.example:6379", "rediss://b.example:6379"}}.options()
	if err != nil || o.TLSConfig == nil || o.TLSConfig.ServerName != "" || o.TLSConfig.InsecureSkipVerify {
		t.Errorf("%+v, %v", o, err)
	}
}

const hidden = "hunter2" // is in every URL below, and in no message

func TestMistakes(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 2)
	f := func(c Config, want ...string) {
		t.Helper()
		var got []string
		c.Validate(func(path, problem string) { got = append(got, path+": "+problem) })
		matches := func(got, want string) bool { return strings.HasPrefix(got, want) }
		if !slices.EqualFunc(got, want, matches) {
			t.Errorf("%+v:\ngot  %q\nwant %q", c, got, want)
		}
		_, err := New(Options{Config: c, Member: "m", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if text := strings.Join(got, "\n"); strings.Contains(text, hidden) || err != nil && strings.Contains(err.Error(), hidden) {
			t.Errorf("a secret is shown: %s, %v", text, err)
		}
	}
	url := func(want string, urls ...string) {
		t.Helper()
		f(Config{Redis: urls}, want)
	}
	f(Config{})
	f(Config{Redis: Addresses{"redis://:" + hidden + "@10.0.0.1"}})
	f(Config{Redis: Addresses{"redis://10.0.0.1"}, Advertise: "http://10.0.0.5:8080", Secret: long})
	f(Config{Redis: Addresses{"redis://10.0.0.1"}, Advertise: "https://[::1]:8080/", Secret: long})

	url("redis: is not a URL", "redis://:"+hidden+"@10.0.0.1:no")
	url("redis: is not a URL", "redis://:"+hidden+"@10.0.0.1\x7f")
	url("redis: must be a URL such as", "")
	url("redis: must be a URL such as", hidden)
	url("redis: must be a URL such as", "10.0.0.1")
	url("redis: must be a URL such as", "redis://:"+hidden+"@")
	url("redis: must be a URL such as", "http://:"+hidden+"@10.0.0.1")
	url("redis: must be a URL such as", "unix:///"+hidden)
	url("redis: must be a URL such as", "redis://:"+hidden+"@10.0.0.1/"+hidden)
	url("redis: must be a URL such as", "redis://:"+hidden+"@10.0.0.1/-1")
	url("redis: must be a URL such as", "redis://:"+hidden+"@10.0.0.1/1/2")
	url(`redis: has an unknown parameter "max_retries"`, "redis://:"+hidden+"@10.0.0.1?max_retries="+hidden)
	url("redis: cluster must be true", "redis://:"+hidden+"@10.0.0.1?cluster="+hidden)
	url("redis: sentinel must name the master", "redis://:"+hidden+"@10.0.0.1?sentinel=")
	url("redis: sentinel and cluster exclude each other", "redis://:"+hidden+"@10.0.0.1?sentinel=main&cluster=true")
	url("redis: a Cluster has database 0 only", "redis://:"+hidden+"@10.0.0.1/1?cluster=true")
	url("redis[1]: is not a URL", "redis://10.0.0.1", "redis://:"+hidden+"@10.0.0.2:no")
	for _, other := range []string{
		"redis://:" + hidden + "@10.0.0.2", "redis://" + hidden + "@10.0.0.2", "rediss://10.0.0.2", "redis://10.0.0.2/1",
		"redis://10.0.0.2?sentinel=" + hidden, "redis://10.0.0.2?cluster=true",
	} {
		url("redis[1]: must be like the first", "redis://10.0.0.1", other)
	}

	f(Config{Secret: hidden}, "secret: must have at least 16 bytes")
	f(Config{Secret: long, Advertise: "http://10.0.0.5"}, "advertise: is of no use without shared.redis")
	on := Addresses{"redis://10.0.0.1"}
	f(Config{Redis: on, Advertise: "http://10.0.0.5"}, "secret: is needed with advertise")
	advertise := func(want, text string) {
		t.Helper()
		f(Config{Redis: on, Secret: long, Advertise: text}, want)
	}
	advertise("advertise: is not a URL", "http://10.0.0.5:"+hidden)
	advertise("advertise: must be a URL", "10.0.0.5")
	advertise("advertise: must be a URL", "ftp://10.0.0.5")
	advertise("advertise: must be a URL", "http://:8080")
	advertise("advertise: must be at most 512 printable", "http://gateway.example/"+strings.Repeat(hidden, 100))
	advertise("advertise: must be at most 512 printable", "http://gäteway.example")
	advertise("advertise: must be at most 512 printable", "http://gateway.example\n"+hidden)
	for _, more := range []string{"/" + hidden, "?" + hidden, "#" + hidden} {
		advertise("advertise: must be scheme, host and port alone", "http://10.0.0.5"+more)
	}
	advertise("advertise: must be scheme, host and port alone", "http://user:"+hidden+"@10.0.0.5")
}

// TestSeveralMistakes: all are reported at once.
func TestSeveralMistakes(t *testing.T) {
	var paths []string
	c := Config{Redis: Addresses{"no"}, Advertise: "no", Secret: "short"}
	c.Validate(func(path, _ string) { paths = append(paths, path) })
	if want := []string{"redis", "secret", "advertise"}; !slices.Equal(paths, want) {
		t.Errorf("%q, want %q", paths, want)
	}
}

func TestMemberID(t *testing.T) {
	for _, member := range []string{"", "a b", "a\n", strings.Repeat("m", maxMember+1)} {
		if _, err := New(Options{Config: Config{Redis: Addresses{"redis://127.0.0.1"}}, Member: member}); err == nil {
			t.Errorf("%q is taken for a member's id", member)
		}
	}
}
