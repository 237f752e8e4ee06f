package bucket

import (
	"io/fs"
	"time"
)

// state is what an open file is now. Of kind only the type counts.
type state struct {
	id       identity
	modified time.Time
	kind     fs.FileMode
}
