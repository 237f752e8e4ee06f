package shared

// Counts are of what has happened since the start.
type Counts struct {
	Foreign int64 // notes in Redis that were not ours to read: of another program or version, or damaged
	Untold  int64 // notes that could not be written: the others find out by themselves, later
	Refused int64 // internal requests that were not proven to be a gateway's
}

// Counts returns them.
func (f *Fleet) Counts() Counts {
	return Counts{Foreign: f.link.foreign.Load(), Untold: f.writer.lost.Load(), Refused: f.Refused()}
}
