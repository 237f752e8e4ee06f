package shared

import (
	"strings"
	"testing"
)

const token = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

func TestLeaseNote(t *testing.T) {
	f := func(text string, want leaseNote) {
		t.Helper()
		if got, ok := decodeLease(text); !ok || got != want {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
		if got := want.encode(); got != text {
			t.Errorf("encoded %q, want %q", got, text)
		}
	}
	f("1 m-1 p "+token+" http://10.0.0.5:8080", leaseNote{"m-1", pulling, token, "http://10.0.0.5:8080"})
	f("1 m-1 s "+token+" https://[::1]:8080", leaseNote{"m-1", committed, token, "https://[::1]:8080"})
	f("1 m-1 d "+token+" -", leaseNote{"m-1", saved, token, ""})
}

func TestForeignLeaseNote(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if got, ok := decodeLease(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
	f("")
	f("garbage")
	f("2 m-1 p " + token + " -")
	f("1 m-1 x " + token + " -")
	f("1 m-1 p " + token)
	f("1 m-1 p " + token + " ")
	f("1 m-1 p " + token + " - ")
	f(" 1 m-1 p " + token + " -")
	f("1 m-1  p " + token + " -")
	f("1 m-1 p " + token + " -\n")
	f("1 m-1 p " + token[1:] + " -")
	f("1  p " + token + " -")
	f("1 m/1 p " + token + " -")
	f("1 " + strings.Repeat("m", maxMember+1) + " p " + token + " -")
	f("1 m-1 p " + token + " ftp://10.0.0.5")
	f("1 m-1 p " + token + " http://10.0.0.5/path")
	f("1 m-1 p " + token + " http://user:password@10.0.0.5")
	f("1 m-1 p " + token + " http://10.0.0.5\r\nHost:evil")
	f("1 m-1 p " + token + " http://" + strings.Repeat("a", maxAdvertise))
}

func TestNegativeNote(t *testing.T) {
	scope := strings.Repeat("0a", scopeLength/2)
	want := negativeNote{scope, 404}
	if got, ok := decodeNegative("1 " + scope + " 404"); !ok || got != want || got.encode() != "1 "+scope+" 404" {
		t.Errorf("%+v, %v", got, ok)
	}
	f := func(text string) {
		t.Helper()
		if got, ok := decodeNegative(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
	f("")
	f("1 " + scope)
	f("1 " + scope[1:] + " 404")
	f("2 " + scope + " 404")
	f("1 " + scope + " 200")
	f("1 " + scope + " 500")
	f("1 " + scope + " 0404")
	f("1 " + scope + " +404")
	f("1 " + scope + " 404 ")
}

// FuzzNotes: what is read as a note is exactly what would be written, and within its bounds.
func FuzzNotes(f *testing.F) {
	f.Add("1 m-1 p " + token + " http://10.0.0.5:8080")
	f.Add("1 m-1 d " + token + " -")
	f.Add("1 " + strings.Repeat("0a", scopeLength/2) + " 404")
	f.Fuzz(func(t *testing.T, text string) {
		if n, ok := decodeLease(text); ok && (n.encode() != text || !n.valid() || strings.ContainsAny(n.advertise, "\r\n @")) {
			t.Errorf("lease %q: %+v", text, n)
		}
		if n, ok := decodeNegative(text); ok && (n.encode() != text || n.status < 400 || n.status > 499) {
			t.Errorf("negative %q: %+v", text, n)
		}
	})
}
