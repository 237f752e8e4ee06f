package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"
)

// freeAddr is one that nobody listens on, below the ports that the kernel takes for outgoing connections and those that
// tests reserve.
func freeAddr() (string, error) {
	for port := 10000 + os.Getpid()%8000; port < 20000; port++ {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if errors.Is(err, unix.EADDRINUSE) {
			continue
		}
		if err != nil {
			return "", err
		}
		return l.Addr().String(), l.Close()
	}
	return "", errors.New("no free port")
}

// look finds a program, also where Debian puts daemons.
func look(name string) (string, error) {
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: run test/setup.sh bench", name)
}
