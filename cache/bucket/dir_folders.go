package bucket

import (
	"errors"
	"io/fs"
	"os"
	"path"
)

// errLongWay means that the short way is not open: the one through os.Root does what is to be done, or says why not.
var errLongWay = errors.New("not this way")

// holdFolders keeps two folders open: where all paths begin, and that of the temporary files. If somebody removes the
// latter, what is done in it goes the long way from then on.
func (d *Dir) holdFolders() (err error) {
	if d.top, err = d.root.Open("."); err == nil {
		d.temp, err = d.root.Open(tempDir)
	}
	return err
}

// folderOf opens the folder of a path. The caller closes it.
func (d *Dir) folderOf(name string) (folder, error) {
	if name = path.Dir(name); name == tempDir {
		return heldFolder(d.temp), nil
	}
	return openFolder(d.top, name)
}

// makeTemp makes a new temporary file.
func (d *Dir) makeTemp(name string) (*os.File, error) {
	if f, err := heldFolder(d.temp).create(path.Base(name)); err == nil {
		return f, nil
	}
	return d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, filePerm)
}

// remove removes a file.
func (d *Dir) remove(name string) error {
	if path.Dir(name) == tempDir && heldFolder(d.temp).remove(path.Base(name)) == nil {
		return nil
	}
	return d.root.Remove(name)
}

// rename moves a file to a name whose folder is made if it is not there.
func (d *Dir) rename(from, to string) error {
	if d.move(from, to, folder.move) == nil {
		return nil
	}
	if err := d.root.MkdirAll(path.Dir(to), dirPerm); err != nil {
		return err
	}
	return d.root.Rename(from, to)
}

// renameNew moves a temporary file to a name that nothing has yet, in one step: fs.ErrExist if something does,
// errLongWay if it cannot be done like that.
func (d *Dir) renameNew(temp, to string) error {
	if d.folds {
		return errLongWay // it has to be looked at how the folders are spelled
	}
	err := d.move(temp, to, folder.moveNew)
	if errors.Is(err, fs.ErrNotExist) && d.root.MkdirAll(path.Dir(to), dirPerm) == nil {
		err = d.move(temp, to, folder.moveNew)
	}
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return errLongWay
}

// move moves a file between two folders, each of which is opened in one step.
func (d *Dir) move(from, to string, by func(f folder, name string, to folder, toName string) error) error {
	source, err := d.folderOf(from)
	if err != nil {
		return err
	}
	defer source.close()
	target, err := d.folderOf(to)
	if err != nil {
		return err
	}
	defer target.close()
	return by(source, path.Base(from), target, path.Base(to))
}
