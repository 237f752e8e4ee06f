package origin

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// redirects lead somewhere else.
func redirects() []Fault {
	all := []Fault{
		{Name: "redirect", Does: "to a host, host:port or URL", Defaults: "status=302",
			Get: refused(), Head: refused(), script: redirectTo},
		{Name: "redirect-chain", Does: "a few hops to a sound answer, by relative locations", Defaults: "status=302,times=3",
			Get:  kept(),
			Head: streamed(), script: redirectChain},
		{Name: "redirect-far", Does: "more hops than anyone follows", Defaults: "status=302,times=50",
			Get: refused(), Head: refused(),
			script: redirectChain},
		{Name: "redirect-loop", Does: "to itself", Defaults: "status=302", Get: refused(), Head: refused(),
			script: func(r *Request, a *Answer) { redirect(r, a, r.Target) }},
		{Name: "redirect-two", Does: "to and fro between two locations", Defaults: "status=302",
			Get: refused(), Head: refused(),
			script: redirectTwo},
		{Name: "redirect-slash", Does: "to itself with a / at the end", Defaults: "status=301",
			Get:    Outcome{Client: Passed | Refused, Status: []int{502}},
			Head:   Outcome{Client: Passed | Refused, Status: []int{502}},
			script: redirectSlash},
		{Name: "redirect-nowhere", Does: "302 without Location", Get: refused(), Head: refused(),
			script: func(_ *Request, a *Answer) { *a = *Status(http.StatusFound) }},
		{Name: "redirect-invalid", Does: "a Location that is no URL",
			Get: refused(), script: redirectFixed("http://[::1/%zz")},
		{Name: "redirect-control", Does: "control characters in Location", Get: refused(),
			script: redirectFixed("/a\r" + SmuggledName + ": location\x00\x7f")},
		{Name: "redirect-file", Does: "to file:///etc/passwd", Get: refused(), script: redirectFixed("file:///etc/passwd")},
		{Name: "redirect-gopher", Does: "to gopher://127.0.0.1:6379/_INFO",
			Get: refused(), script: redirectFixed("gopher://127.0.0.1:6379/_INFO")},
	}
	return append(all, forbidden()...)
}

// forbidden are redirects to addresses that nobody outside may have asked, in all the ways to write them.
func forbidden() []Fault {
	var all []Fault
	for _, f := range []struct{ name, to string }{
		{"metadata", "169.254.169.254"},
		{"metadata-mapped", "[::ffff:169.254.169.254]"},
		{"metadata-nat64", "[64:ff9b::169.254.169.254]"},
		{"metadata-6to4", "[2002:a9fe:a9fe::1]"},
		{"metadata-decimal", "2852039166"},
		{"metadata-octal", "0251.0376.0251.0376"},
		{"metadata-hex", "0xa9fea9fe"},
		{"metadata-v6", "[fd00:ec2::254]"},
		{"metadata-alibaba", "100.100.100.200"},
		{"metadata-azure", "168.63.129.16"},
		{"private", "10.0.0.1"},
		{"private-mapped", "[::ffff:10.0.0.1]"},
		{"private-c", "192.168.0.1"},
		{"private-v6", "[fc00::1]"},
		{"loopback-name", "localhost:9"},
		{"loopback-v6", "[::1]:9"},
		{"loopback-other", "127.0.0.2:9"},
		{"zero", "0.0.0.0:9"},
		{"zero-v6", "[::]:9"},
		{"link-local-v6", "[fe80::1]"},
		{"multicast", "224.0.0.1"},
		{"broadcast", "255.255.255.255"},
	} {
		to := "http://" + f.to + "/latest/meta-data/"
		all = append(all, Fault{Name: "redirect-" + f.name, Does: "to " + to,
			Get: refused(), Head: refused(), script: redirectFixed(to)})
	}
	return all
}

func redirect(r *Request, a *Answer, location string) {
	*a = *Status(r.Params.Status, "Location: "+location)
}

func redirectFixed(location string) Script {
	return func(_ *Request, a *Answer) { *a = *Status(http.StatusFound, "Location: "+location) }
}

func redirectTo(r *Request, a *Answer) {
	to := r.Params.To
	if !strings.Contains(to, "://") {
		to = "http://" + to + "/"
	}
	redirect(r, a, to)
}

func redirectChain(r *Request, a *Answer) {
	if hop := r.hop(); hop < r.Params.Times {
		redirect(r, a, r.hopTo(hop+1))
	}
}

func redirectTwo(r *Request, a *Answer) { redirect(r, a, r.hopTo(1-r.hop()%2)) }

func redirectSlash(r *Request, a *Answer) {
	if !strings.HasSuffix(r.Path, "/") {
		path, _, _ := strings.Cut(r.Target, "?")
		redirect(r, a, path+"/")
	}
}

// hop is how many redirects of this origin have led here.
func (r *Request) hop() int {
	values, _ := url.ParseQuery(r.Query) // what cannot be read is not the hop
	n, _ := strconv.Atoi(values.Get("hop"))
	return max(0, n)
}

func (r *Request) hopTo(n int) string {
	values, _ := url.ParseQuery(r.Query) // as above
	values.Set("hop", strconv.Itoa(n))
	path, _, _ := strings.Cut(r.Target, "?")
	return fmt.Sprintf("%s?%s", path, values.Encode())
}
