package bucket

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// kind is what the system keeps of a file besides its bytes and times. A file has it from the process and the folder
// that made it, and not all of it can be changed afterwards.
type kind struct {
	owner, group uint32
	attributes   string // access lists, labels
}

// kindOf looks at an open file.
func kindOf(f *os.File) (kind, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return kind{}, err
	}
	names := make([]byte, 1<<10)
	n, err := unix.Flistxattr(int(f.Fd()), names)
	if errors.Is(err, unix.ENOTSUP) {
		n, err = 0, nil
	}
	if err != nil {
		return kind{}, err
	}
	attributes, err := valuesOf(f, string(names[:n]))
	return kind{st.Uid, st.Gid, attributes}, err
}

// valuesOf reads the attributes whose names are given, each with a zero byte behind it.
func valuesOf(f *os.File, names string) (attributes string, err error) {
	for name := range strings.SplitSeq(strings.TrimSuffix(names, "\x00"), "\x00") {
		if name == "" {
			continue
		}
		value := make([]byte, 4<<10)
		n, err := unix.Fgetxattr(int(f.Fd()), name, value)
		if err != nil {
			return "", err
		}
		attributes += name + "\x00" + string(value[:n]) + "\x00"
	}
	return attributes, nil
}
