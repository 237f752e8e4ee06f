package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// Binary returns the path of a program that the tests need: from .cache/bin of the repository, PATH, or where Debian
// puts daemons. A program that is nowhere fails the test and names `make setup`.
func Binary(t testing.TB, name string) string {
	t.Helper()
	path, err := find(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func find(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	candidates := []string{filepath.Join(root, ".cache", "bin", name), name}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} { // not in a user's PATH on Debian
		candidates = append(candidates, filepath.Join(dir, name))
	}
	for _, candidate := range candidates {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed, neither in %s/.cache/bin nor in PATH: run `make setup`", name, root)
}

// Root is the repository's folder: the nearest one above the working directory that has a go.mod.
func Root() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod in or above %s", start)
		}
	}
}

// Mirrorgate returns the path of the mirrorgate program, built from this tree. It is built once per test process;
// packages that are tested at the same time wait for each other and share the result.
func Mirrorgate(t testing.TB) string {
	t.Helper()
	return built(t, mirrorgate)
}

// MirrorgateRace is Mirrorgate built with the race detector: what it finds is in the program's log.
func MirrorgateRace(t testing.TB) string {
	t.Helper()
	return built(t, mirrorgateRace)
}

func built(t testing.TB, program func() (string, error)) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatalf("building mirrorgate: %v", err)
	}
	return path
}

// The only package variables: nothing but what a test process has computed once, as the testing package offers no place
// for it that all tests of a package share. The first is the program as its users run it: tests measure its memory.
var (
	mirrorgate     = sync.OnceValues(func() (string, error) { return build("mirrorgate") })
	mirrorgateRace = sync.OnceValues(func() (string, error) { return build("mirrorgate-race", "-race") })
)

// build builds the program under a name in .cache/test, one build at a time.
func build(name string, flags ...string) (path string, err error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, ".cache", "test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "build.lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("locking %s: %w", lock.Name(), err)
	}
	path = filepath.Join(dir, name)
	args := slices.Concat([]string{"build", "-buildvcs=false"}, flags, []string{"-o", path, "./cmd/mirrorgate"})
	command := exec.Command("go", args...)
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", command.Args, err, out)
	}
	return path, nil
}
