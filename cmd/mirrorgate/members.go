package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"mirrorgate/cache/shared"
	"mirrorgate/configs"
	"mirrorgate/gateway/admin"
)

type membersCmd struct {
	Config string `help:"The configuration file of a gateway of the fleet." required:"" placeholder:"FILE"`
	JSON   bool   `help:"Print one JSON document: {\"members\": [{…}, …]}."`
}

// Run asks Redis, rather than a gateway: any machine with the configuration will do.
func (c *membersCmd) Run(s *streams) error {
	cfg, err := configs.Load(c.Config)
	if err != nil {
		return err
	}
	if !cfg.Shared.On() {
		return &usageError{errors.New("the configuration has no shared.redis: its gateway is on its own")}
	}
	fleet, err := shared.New(shared.Options{
		Config: cfg.Shared, Member: "members", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer fleet.Close()
	list, err := fleet.Members(s.ctx)
	if err != nil {
		return fmt.Errorf("ask shared.redis who is there: %w", err)
	}
	if c.JSON {
		enc := json.NewEncoder(s.stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(map[string][]admin.Member{"members": membersOf(list)})
	}
	return printMembers(s.stdout, list, time.Now())
}

const memberRow = "%-32s  %7s  %6s  %-12s  %-16s  %s\n"

// printMembers is the form for people.
func printMembers(w io.Writer, list []shared.Member, now time.Time) error {
	setups := make(map[string]bool)
	text := fmt.Sprintf(memberRow, "ID", "UP", "SEEN", "VERSION", "CONFIGURATION", "ADVERTISE")
	for _, m := range list {
		setups[m.Setup] = true
		text += fmt.Sprintf(memberRow, m.ID, ageText(now.Sub(m.Started)), ageText(now.Sub(m.Seen)), printable(m.Version),
			printable(m.Setup), printable(m.Advertise))
	}
	text += count(len(list), "gateway")
	if len(setups) > 1 {
		text += fmt.Sprintf(", %d different configurations", len(setups))
	}
	_, err := io.WriteString(w, text+"\n")
	return err
}

func membersOf(list []shared.Member) []admin.Member {
	members := make([]admin.Member, 0, len(list))
	for _, m := range list {
		members = append(members, admin.Member{
			ID: m.ID, Started: m.Started, Seen: m.Seen, Version: m.Version, Setup: m.Setup, Advertise: m.Advertise, Me: m.Me,
		})
	}
	return members
}

// fleetState is what admin shows of the fleet; nil: there is none.
func (p *process) fleetState() admin.FleetFunc {
	if p.fleet == nil {
		return nil
	}
	return func(ctx context.Context) admin.FleetState {
		list, err := p.fleet.Members(ctx)
		counts := p.fleet.Counts()
		state := admin.FleetState{
			Members: membersOf(list), Foreign: counts.Foreign, Untold: counts.Untold, Refused: counts.Refused,
		}
		if err != nil {
			state.Unknown = err.Error()
		}
		return state
	}
}
