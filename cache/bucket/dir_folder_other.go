//go:build !linux

package bucket

import (
	"errors"
	"os"
)

// folder is what only Linux has: elsewhere everything goes the long way, through os.Root.
type folder struct{}

func openFolder(*os.File, string) (folder, error) { return folder{}, errors.ErrUnsupported }
func heldFolder(*os.File) folder                  { return folder{} }

func (folder) close()                               {}
func (folder) create(string) (*os.File, error)      { return nil, errors.ErrUnsupported }
func (folder) remove(string) error                  { return errors.ErrUnsupported }
func (folder) move(string, folder, string) error    { return errors.ErrUnsupported }
func (folder) moveNew(string, folder, string) error { return errors.ErrUnsupported }
func (folder) link(*os.File, string) error          { return errors.ErrUnsupported }

func startSync(*os.File) {}
