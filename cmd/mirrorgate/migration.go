package main

import (
	"errors"

	"mirrorgate/gateway"
	"mirrorgate/gateway/migration"
	"mirrorgate/origin"
)

// openMigration begins to keep the books of the migration.
func (p *process) openMigration() error {
	member, err := memberID(p.config().DataDir)
	if err != nil {
		return err
	}
	ledger := migration.Open(migration.Options{Dir: p.config().DataDir, Counts: p.answered, Log: p.log})
	p.writeback.OnSaved(func(site, rule string, bytes int64) {
		ledger.Saved(migration.ID{Site: site, Rule: rule}, bytes)
	})
	p.migration = &migrationView{
		ledger: ledger, config: p.config, queue: spoolQueue{p.spool}.summary, gateway: member,
	}
	return nil
}

// answered is what has been answered since the start, as the books have it.
func (p *process) answered() []migration.Count {
	all := p.gateway.Counts()
	counts := make([]migration.Count, len(all))
	for i, c := range all {
		counts[i] = countOf(c)
	}
	return counts
}

func countOf(c gateway.Counts) migration.Count {
	sum := migration.Count{ID: migration.ID{Site: c.Site, Rule: c.Rule}}
	for _, a := range c.Answers {
		sum.Numbers[migration.Requests] += a.Requests
		sum.Numbers[migration.Bytes] += a.Bytes
		switch a.Outcome {
		case gateway.OutcomeNegative:
			sum.Numbers[migration.Vain] += a.Requests
		case gateway.OutcomeError:
			sum.Numbers[migration.Failed] += a.Requests
		case gateway.OutcomeRetired:
			sum.Numbers[migration.Retired] += a.Requests
		case gateway.OutcomePaused:
			sum.Numbers[migration.Paused] += a.Requests
		}
		if a.Outcome.Needed() {
			sum.Numbers[migration.Needed] += a.Requests
			sum.Numbers[migration.NeededBytes] += a.Bytes
		}
	}
	return sum
}

// note keeps an answer of which the key matters.
func (p *process) note(a *gateway.Answered) {
	e := migration.Event{ID: migration.ID{Site: a.Site, Rule: a.Rule}, Key: a.Key}
	var failed *origin.Error
	switch {
	case a.Needed() && a.NotKept != "":
		e.Kind, e.Why = migration.NotKeptIt, a.NotKept
	case a.Needed():
		e.Kind = migration.NeededIt
	case a.Outcome == gateway.OutcomeRetired:
		e.Kind = migration.RetiredIt
	case a.Outcome == gateway.OutcomePaused:
		e.Kind = migration.PausedIt
	case a.Outcome == gateway.OutcomeError && errors.As(a.Err, &failed) && failed.Kind != origin.KindBusy:
		e.Kind, e.Why = migration.FailedIt, failed.Public()
	default:
		return // no origin has it, or the failure is not an origin's
	}
	p.migration.ledger.Note(e)
}
