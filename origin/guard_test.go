package origin

import (
	"net/netip"
	"testing"
)

func TestAddresses(t *testing.T) {
	f := func(text string, forbiddenWant, internalWant bool) {
		t.Helper()
		addr := netip.MustParseAddr(text)
		if got := forbidden(addr); got != forbiddenWant {
			t.Errorf("%s: forbidden %t", text, got)
		}
		if got := internal(addr); got != internalWant {
			t.Errorf("%s: internal %t", text, got)
		}
	}
	never := func(text string) { t.Helper(); f(text, true, false) }
	private := func(text string) { t.Helper(); f(text, false, true) }
	public := func(text string) { t.Helper(); f(text, false, false) }

	for _, text := range []string{
		"169.254.0.0", "169.254.169.254", "169.254.255.255", "168.63.129.16", "0.0.0.0", "0.1.2.3",
		"224.0.0.1", "239.255.255.255", "255.255.255.255",
	} {
		never(text)
		never("::ffff:" + text)
		never("64:ff9b::" + text)
	}
	never("fe80::1")
	never("fe80::1%eth0")
	never("febf::1")
	never("ff02::1")
	never("::")
	never("2002:a9fe:a9fe::1") // 169.254.169.254
	never("2002:e000:1::")
	f("fd00:ec2::254", true, true)
	for _, text := range []string{"100.100.100.200", "::ffff:100.100.100.200", "64:ff9b::100.100.100.200"} {
		f(text, true, true)
	}

	for _, text := range []string{
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9",
	} {
		private(text)
		private("::ffff:" + text)
		private("64:ff9b::" + text)
	}
	private("::1")
	private("fc00::1")
	private("fdff::1")
	private("2002:a00:1::1") // 10.0.0.1
	private("2002:7f00:1::")

	for _, text := range []string{
		"8.8.8.8", "169.253.0.1", "172.32.0.1", "100.128.0.1", "168.63.129.17", "2001:db8::1", "2002:808:808::1",
		"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "fec0::1",
	} {
		public(text)
	}
}

func TestGuard(t *testing.T) {
	f := func(network, address string, private, fine bool) {
		t.Helper()
		if err := guard(private)(t.Context(), network, address, nil); (err == nil) != fine {
			t.Errorf("%s %s, private %t: %v", network, address, private, err)
		}
	}
	f("tcp4", "8.8.8.8:80", false, true)
	f("tcp6", "[2001:db8::1]:80", false, true)
	f("tcp4", "127.0.0.1:80", true, true)
	f("tcp4", "127.0.0.1:80", false, false)
	f("tcp6", "[fe80::1%eth0]:80", true, false)
	f("tcp6", "[::ffff:169.254.169.254]:80", true, false)
	f("udp4", "8.8.8.8:80", true, false)
	f("unix", "/tmp/x", true, false)
}
