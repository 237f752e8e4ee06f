package configs

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// expanded gives a scalar's text with its environment variables in place. It reports false when that cannot be had.
func (d *decoder) expanded(n *node, path string) (string, bool) {
	text := n.text
	if n.kind == kindText {
		var problems []string
		if text, problems = expand(n.text, d.env, &d.secrets); len(problems) > 0 {
			for _, problem := range problems {
				d.lose(path, d.line(path), problem)
			}
			return "", false
		}
	}
	if secretPath(path) {
		d.secrets.add(text, "***")
	}
	return text, true
}

func (d *decoder) text(n *node, to encoding.TextUnmarshaler, path string) {
	text, ok := d.expanded(n, path)
	if !ok {
		return
	}
	if err := to.UnmarshalText([]byte(text)); err != nil {
		d.lose(path, d.line(path), err.Error())
	}
}

// scalar sets a plain value from its text; whether that stood in quotes does not matter, except that a string field
// takes no bare true or 1.5: what looks like another type there is a slip more often than a text.
func (d *decoder) scalar(n *node, v reflect.Value, path string) {
	text, ok := d.expanded(n, path)
	if !ok {
		return
	}
	if v.Kind() == reflect.String {
		if n.kind == kindBool || n.kind == kindNumber && !digits(text) {
			d.lose(path, d.line(path), fmt.Sprintf("must be a text, not %s; put it in quotes", n.kind))
			return
		}
		v.SetString(text)
		return
	}
	if err := setNumber(v, text); err != nil {
		d.lose(path, d.line(path), err.Error())
	}
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// setNumber sets what is not a string.
func setNumber(v reflect.Value, text string) error {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		n, err := parseDuration(text)
		v.SetInt(int64(n))
		return err
	}
	switch v.Kind() {
	case reflect.Bool:
		if text != "true" && text != "false" {
			return errors.New("must be true or false")
		}
		v.SetBool(text == "true")
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n > math.MaxInt32 || n < math.MinInt32 {
			return errors.New("must be a whole number, at most 2147483647")
		}
		v.SetInt(n)
	case reflect.Int64:
		n, err := parseSize(text)
		v.SetInt(n)
		return err
	case reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return errors.New("must be a number")
		}
		v.SetFloat(n)
	default:
		return fmt.Errorf("cannot be configured: it is a %s", v.Kind())
	}
	return nil
}

// parseSize reads a whole number of bytes with or without a unit: KiB MiB GiB TiB are powers of 1024, KB MB GB TB of
// 1000.
func parseSize(s string) (int64, error) {
	number := strings.TrimRight(s, "BKMGTi")
	unit, ok := sizeUnit(s[len(number):])
	if !ok || number == "" || !digits(number) {
		return 0, errors.New("must be a size: a whole number of bytes, or with KiB, MiB, GiB, TiB, KB, MB, GB or TB")
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, errors.New("is larger than any size can be")
	}
	return n * unit, nil
}

func sizeUnit(s string) (int64, bool) {
	switch s {
	case "", "B":
		return 1, true
	case "KiB":
		return 1 << 10, true
	case "MiB":
		return 1 << 20, true
	case "GiB":
		return 1 << 30, true
	case "TiB":
		return 1 << 40, true
	case "KB":
		return 1e3, true
	case "MB":
		return 1e6, true
	case "GB":
		return 1e9, true
	case "TB":
		return 1e12, true
	}
	return 0, false
}

// parseDuration reads a duration in Go's syntax that is not negative.
func parseDuration(s string) (time.Duration, error) {
	n, err := time.ParseDuration(s)
	if err != nil && s != "" && digits(s) {
		return 0, errors.New("must have a unit, as in 10s, 500ms or 1h30m")
	}
	if err != nil {
		return 0, errors.New("must be a duration, as in 10s, 500ms or 1h30m")
	}
	if n < 0 {
		return 0, errors.New("must not be negative")
	}
	return n, nil
}
