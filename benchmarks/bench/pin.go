package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// cores are those that a measurement uses.
type cores struct {
	server  int // of the server that is measured
	load    int // of the load and this program
	backend int
}

// ownCores are the first three that this process may use. Of two the load and the backend share one.
func ownCores() (cores, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return cores{}, err
	}
	var all []int
	for core := range len(set) * 64 {
		if set.IsSet(core) {
			all = append(all, core)
		}
	}
	return cores{server: all[0], load: all[min(1, len(all)-1)], backend: all[min(2, len(all)-1)]}, nil
}

// pin binds this process to the core, and with it the threads and programs that it starts.
func pin(core int) error {
	var set unix.CPUSet
	set.Set(core)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err == nil {
			err = unix.SchedSetaffinity(id, &set)
		}
		if err != nil && err != unix.ESRCH {
			return err
		}
	}
	return nil
}
