package writeback

// OnSaved has f told of each object that was written into its bucket and was not there before: of which site, by which
// rule it had been pulled ("": that is not known), and how many bytes it has. f must not block, and may be called from
// several goroutines. OnSaved comes before Run.
func (w *Writeback) OnSaved(f func(site, rule string, bytes int64)) { w.saved = f }

// tellSaved does so of an entry that was pulled by a rule.
func (w *Writeback) tellSaved(e *entry, rule string) {
	if w.saved != nil && !e.replaces {
		w.saved(e.site, rule, e.size)
	}
}
