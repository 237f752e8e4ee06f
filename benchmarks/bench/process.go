package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// command is a program to be started on one core.
type command struct {
	name string // in messages
	core int
	env  []string
	path string
	args []string
}

// process is a program that was started, with all processes that it starts itself.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

// start starts the program. The kernel tells it to end when this one dies, however it does.
func (b *bed) start(c command) (*process, error) {
	taskset, err := look("taskset") // it becomes the program: the process is the same
	if err != nil {
		return nil, err
	}
	log, err := os.CreateTemp(b.dir, "log-")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(taskset, append([]string{"-c", strconv.Itoa(c.core), c.path}, c.args...)...)
	cmd.Dir, cmd.Env = filepath.Dir(log.Name()), append(os.Environ(), c.env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{name: c.name, cmd: cmd, log: log.Name(), done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(p.done)
	}()
	return p, nil
}

// endsWithin is how long a server may take to stop.
const endsWithin = 20 * time.Second

// stop ends the program and waits for it.
func (p *process) stop() error {
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(endsWithin):
	}
	err = p.cmd.Process.Kill()
	<-p.done
	return err
}

// printed is the end of what the program has said.
func (p *process) printed() string {
	const most = 4 << 10
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
