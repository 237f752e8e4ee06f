package bucket

import (
	"net/http"
	"time"
)

// parseDate reads an HTTP-date (RFC 9110 section 5.6.7); the zero time if it is none. The one form in use, such as
// "Tue, 14 Nov 2023 22:13:20 GMT", is read here, since time.Parse takes as long as the rest of the header; the two
// others of old, and whatever is not well-formed, are left to it.
func parseDate(v []byte) time.Time {
	if t, ok := parseFixdate(v); ok {
		return t
	}
	if len(v) == 0 {
		return time.Time{}
	}
	t, err := http.ParseTime(string(v))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

const (
	fixdateDays   = "Mon,Tue,Wed,Thu,Fri,Sat,Sun,"
	fixdateMonths = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec "
)

func parseFixdate(v []byte) (time.Time, bool) {
	const form = "Mon, 02 Jan 2006 15:04:05 GMT"
	if len(v) != len(form) || v[4] != ' ' || v[7] != ' ' || v[16] != ' ' || v[19] != ':' || v[22] != ':' ||
		string(v[25:]) != " GMT" {
		return time.Time{}, false
	}
	day, month := indexOf(fixdateDays, v[:4]), indexOf(fixdateMonths, v[8:12])
	date, year := number(v[5:7]), number(v[12:16])
	hour, minute, second := number(v[17:19]), number(v[20:22]), number(v[23:25])
	if day < 0 || month < 0 || date < 1 || year < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
		second < 0 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month+1), date, hour, minute, second, 0, time.UTC)
	return t, t.Day() == date // not the 31st of a month with 30 days
}

// indexOf finds one of the names of four bytes that list is made of.
func indexOf(list string, name []byte) int {
	for i := 0; i < len(list); i += 4 {
		if list[i:i+4] == string(name) {
			return i / 4
		}
	}
	return -1
}

// number reads digits; -1 if there is anything else.
func number(v []byte) int {
	n := 0
	for _, c := range v {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
