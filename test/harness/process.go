package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	readyWithin = 30 * time.Second // a server that was started answers
	endsWithin  = 60 * time.Second // a server that was asked to stop has ended: longer than the default grace of 30s
	shownLog    = 64 << 10         // bytes of the log's end that a failed test shows
)

// command says how a program is started.
type command struct {
	name string // in messages
	path string
	args []string
	env  []string                    // in addition to the tests' own, which is cleared of credentials and proxies
	log  string                      // the file that takes what it prints
	up   func(context.Context) error // nil: it answers
}

// Process is one started program. It ends with the test that started it at the latest. Its methods may be called from
// several goroutines.
type Process struct {
	command command

	mu    sync.Mutex
	child *child
}

// child is one run of the program.
type child struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended, and been waited for
}

// start runs the command; if wait is set it returns when the program answers.
func start(t testing.TB, c command, wait bool) *Process {
	t.Helper()
	c.log = filepath.Join(t.TempDir(), c.name+".log")
	p := &Process{command: c}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("--- what %s printed ---\n%s", c.name, p.logEnd())
		}
	})
	p.start(t)
	if wait {
		p.WaitReady(t)
	}
	return p
}

func (p *Process) start(t testing.TB) {
	t.Helper()
	child, err := run(p.command)
	if err != nil {
		t.Fatalf("starting %s: %v", p.command.name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.child = child
}

// run starts the command on a thread that lives as long as the program does. The kernel kills the program when the
// thread that forked it dies, however this process ends; a thread of the runtime's pool could die before.
func run(c command) (*child, error) {
	log, err := os.OpenFile(c.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(c.path, c.args...)
	cmd.Dir = filepath.Dir(c.log)
	cmd.Env = append(cleanEnv(), c.env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}

	started, done := make(chan error), make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in cmd.ProcessState
		}
	}()
	return &child{cmd: cmd, done: done}, <-started
}

func (p *Process) current() *child {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.child
}

// WaitReady returns when the program answers; it fails the test if it ends or does not answer in time.
func (p *Process) WaitReady(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	err := poll(ctx, p.current().done, p.command.up)
	switch {
	case errors.Is(err, errEnded):
		t.Fatalf("%s ended before it was ready (exit code %d)", p.command.name, p.exitCode())
	case err != nil:
		t.Fatalf("%s is not ready after %v: %v", p.command.name, readyWithin, err)
	}
}

// PID is the process id of the current or, when it has ended, the last run.
func (p *Process) PID() int { return p.current().cmd.Process.Pid }

// Running tells whether the program runs.
func (p *Process) Running() bool {
	select {
	case <-p.current().done:
		return false
	default:
		return true
	}
}

// Signal sends a signal, and nothing to a program that has ended.
func (p *Process) Signal(signal os.Signal) { _ = p.current().cmd.Process.Signal(signal) }

// Kill kills the program (SIGKILL) and returns when it has ended. On one that has ended it does nothing.
func (p *Process) Kill() {
	child := p.current()
	if child == nil {
		return
	}
	_ = child.cmd.Process.Kill()
	<-child.done
}

// Stop asks the program to stop (SIGTERM), waits until it has ended and returns its exit code. It kills one that does
// not end, and fails the test.
func (p *Process) Stop(t testing.TB) int {
	t.Helper()
	p.Signal(syscall.SIGTERM)
	return p.Wait(t, endsWithin)
}

// Wait waits until the program has ended by itself and returns its exit code, -1 if a signal ended it. It kills one
// that does not end in time, and fails the test.
func (p *Process) Wait(t testing.TB, timeout time.Duration) int {
	t.Helper()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.current().done:
	case <-timer.C:
		p.Kill()
		t.Fatalf("%s has not ended within %v", p.command.name, timeout)
	}
	return p.exitCode()
}

// exitCode is for a program that has ended.
func (p *Process) exitCode() int { return p.current().cmd.ProcessState.ExitCode() }

// Restart starts a program that has been stopped or killed again, as before and on the same ports, and returns when it
// answers. One that still runs is stopped first.
func (p *Process) Restart(t testing.TB) {
	t.Helper()
	if p.Running() {
		p.Stop(t)
	}
	p.start(t)
	p.WaitReady(t)
}

// Log returns what the program has printed up to now, over all its runs, stdout and stderr together.
func (p *Process) Log(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(p.command.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (p *Process) logEnd() string {
	text, err := os.ReadFile(p.command.log)
	switch {
	case err != nil:
		return err.Error()
	case len(text) > shownLog:
		return fmt.Sprintf("(%d bytes not shown)…%s", len(text)-shownLog, text[len(text)-shownLog:])
	}
	return string(text)
}
