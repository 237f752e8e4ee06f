//go:build !linux

package bucket

import "os"

// file is an open file.
type file struct{ *os.File }

// opener opens files below a folder for reading.
type opener struct{ root *os.Root }

func newOpener(root *os.Root) (*opener, error) { return &opener{root}, nil }

func (o *opener) close() error { return nil }

func (o *opener) open(path string) (file, error) {
	f, err := o.root.OpenFile(path, os.O_RDONLY|openFlags, 0)
	return file{f}, err
}

// state is what the file is now.
func (f file) state() (state, error) {
	info, err := f.Stat()
	if err != nil {
		return state{}, err
	}
	return state{id: identityOf(info), modified: info.ModTime(), kind: info.Mode().Type()}, nil
}

func (f file) close() error { return f.Close() }
