//go:build !linux

package bucket

import (
	"errors"
	"os"
)

type kind struct{}

func kindOf(*os.File) (kind, error) { return kind{}, errors.ErrUnsupported }
