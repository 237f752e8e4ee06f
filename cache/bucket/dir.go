package bucket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mirrorgate/cache"
)

const (
	dirPerm  = 0o755
	filePerm = 0o644
	// leftoverAge is for how long nothing was written to a temporary file that a crash left behind. Writers of other
	// processes may be at work in the same directory; none of them rests for so long.
	leftoverAge = time.Hour
)

// Dir is a bucket in a directory: plain files that a person can read, copy in and copy out.
//
// # Files
//
// The object "images/a.jpg" is the file images/a.jpg. Keys are any bytes, though, and not every one is a path; and a
// path may be taken. So an object has two possible places, its plain path and one aside, and whoever looks for it looks
// there in this order:
//
//   - the file whose path is the key, if the key is the path of a file: no empty, "." or ".." segment (so no slash at
//     either end), no segment over 255 bytes, and not in the folder .mirrorgate;
//   - .mirrorgate/aside/HH/HASH, HASH being the SHA-256 of the key in hex and HH its first two digits. No key's plain
//     path leads there, and no two keys have one hash.
//
// A new object goes to its plain path unless the key is no path or the path is taken: a folder is there ("a" when there
// is "a/b"), a file is where a folder is needed ("a/b" when there is "a"), or the disk cannot hold the name. Whichever
// comes first is plain and the other aside; both are kept, and neither hides the other. A file that somebody copies in
// is the object of its path from then on, also if a copy aside is older; removing that file uncovers the copy aside.
// Removing a file is deleting the object, and .mirrorgate/meta tells which key is aside under which hash.
//
// On a disk that takes names for one that differ in case only (NewDir finds out) new objects are plain only if their
// key has no other letters than a-z, and a file is an object only under the name that its folder lists. Folders that
// fold names on a disk that does not are not noticed.
//
// # Metadata
//
// What a file system does not keep is in .mirrorgate/meta/HH/HASH.json, with the key (percent-encoded) and with size,
// modification time and inode of the file that it describes. It is ignored when they differ, or when it is cut, over
// 256 KiB, or not what Put writes. The ETag is then the MD5 in quotes. A file without such a record is served with a
// Content-Type by extension and an ETag of size and time. Copies of the whole directory lose the records by that. What
// was read of a record is remembered for ten seconds, for the one file that it describes: whoever edits or removes the
// record of a file that stays as it is waits as long until that is seen.
//
// # Writing
//
// Put copies the body to .mirrorgate/tmp and syncs it, writes the record under a name that holds the file's identity
// (HASH.SIZE-TIME-INODE.json), moves the file to its place in one step, and gives the record its lasting name. Since a
// record is believed for one file only, and the old one stays until the new file is in place, a process that is killed
// between any two steps leaves the old object or the new one, each with its own metadata. What it may leave besides is
// a file in .mirrorgate/tmp, which is removed when nothing was written to it for an hour, and a record of a file that
// never came to be, which is some hundred bytes and harmless.
//
// Creating is atomic against everybody (a rename that replaces nothing, or a hard link; on a disk that has neither only
// against this Dir). Replacing is
// atomic against other writes of this Dir: a person or another process who changes the file between the check of its
// ETag and the rename, some microseconds later, loses that change. Readers keep the file that they have opened.
// Folders that become empty are left.
//
// # What else may be there
//
// All access is through os.Root: nothing outside the directory is ever read or written. A symbolic link that stays
// inside is followed, one that leads outside is an error and not a miss, and so is a FIFO, a device or a socket at an
// object's path. A folder whose disk is another is read, but new objects for it go aside.
type Dir struct {
	root   *os.Root
	files  *opener // opens what is read
	known  *known
	top    *os.File // the directory itself
	temp   *os.File // its folder of temporary files
	prefix string
	folds  bool
	log    *slog.Logger
	made   []string // directories that were not there, those that hold others first

	mode   os.FileMode // of the files that are made here
	kind   kind
	adopts bool // files of others that are of the same kind

	id    string // begins the names of this Dir's temporary files
	temps atomic.Uint64

	locks [256]sync.Mutex // by stripe: writers of one key commit one after the other
}

var _ cache.Bucket = (*Dir)(nil)

// NewDir opens the directory bucket at path, which is made if it is not there. prefix is put before every key. The
// directory must be writable, and should be one file system.
func NewDir(path, prefix string, log *slog.Logger) (*Dir, error) {
	made := missing(path)
	err := os.MkdirAll(path, dirPerm)
	if err != nil {
		unmake(made)
		return nil, fmt.Errorf("bucket directory: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		unmake(made)
		return nil, fmt.Errorf("bucket directory: %w", err)
	}
	d := &Dir{root: root, known: newKnown(), prefix: prefix, log: log, made: made, id: rand.Text()}
	if d.files, err = newOpener(root); err == nil {
		err = d.prepare()
	}
	if err != nil {
		_ = d.Abandon() // why it is given up counts
		return nil, fmt.Errorf("bucket directory %s: %w", path, err)
	}
	return d, nil
}

// prepare makes the internal folders, learns whether the disk folds names, and removes what a crash left.
func (d *Dir) prepare() error {
	for _, name := range []string{tempDir, recordDir, asideDir} {
		if err := d.root.MkdirAll(name, dirPerm); err != nil {
			return err
		}
	}
	if err := d.holdFolders(); err != nil {
		return err
	}
	lower, err := d.root.Lstat(internalDir)
	if err != nil {
		return err
	}
	upper, err := d.root.Lstat(strings.ToUpper(internalDir))
	d.folds = err == nil && os.SameFile(lower, upper)
	if err := d.learnKind(); err != nil {
		return err
	}
	return d.removeLeftovers(time.Now())
}

// Ready is nil: a directory needs no probe.
func (d *Dir) Ready() error { return nil }

// Run removes what crashed writers left behind, now and then, until ctx ends.
func (d *Dir) Run(ctx context.Context) error {
	tick := time.NewTicker(leftoverAge)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if err := d.removeLeftovers(now); err != nil {
				d.log.Warn("directory bucket: temporary files were not removed", "error", err)
			}
		}
	}
}

// Close gives the directory back. Bodies that are open stay readable; nothing else works afterwards.
func (d *Dir) Close() error {
	var err error
	if d.files != nil {
		err = d.files.close()
	}
	d.top.Close()
	d.temp.Close()
	return errors.Join(err, d.root.Close())
}

// place maps a key of the bucket's user.
func (d *Dir) place(key string) place { return placeOf(d.prefix+key, d.folds) }

// legalKey tells whether S3 allows the key.
func legalKey(key string) bool {
	return key != "" && len(key) <= cache.MaxKey && strings.IndexByte(key, 0) < 0
}

// tempName is a new name for a temporary file. Only what this Dir made begins with its id.
func (d *Dir) tempName() string {
	return tempDir + "/" + d.id + "-" + strconv.FormatUint(d.temps.Add(1), 10)
}

// createTemp makes a new temporary file.
func (d *Dir) createTemp() (name string, f *os.File, err error) {
	name = d.tempName()
	f, err = d.makeTemp(name)
	if errors.Is(err, fs.ErrNotExist) { // somebody removed .mirrorgate
		if err = d.root.MkdirAll(tempDir, dirPerm); err == nil {
			f, err = d.makeTemp(name)
		}
	}
	return name, f, err
}

// removeTemp removes a temporary file, which may have been moved away.
func (d *Dir) removeTemp(name string) {
	if err := d.remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.log.Warn("directory bucket: a temporary file was not removed", "error", err)
	}
}

// removeLeftovers removes the temporary files of writers that no longer exist.
func (d *Dir) removeLeftovers(now time.Time) error {
	folder, err := d.root.Open(tempDir)
	if err != nil {
		return err
	}
	defer folder.Close()
	entries, err := folder.ReadDir(-1)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(e.Name(), d.id+"-") {
			continue // gone meanwhile, not ours, or still written to
		}
		if now.Sub(info.ModTime()) > leftoverAge {
			d.removeTemp(tempDir + "/" + e.Name())
		}
	}
	return nil
}
