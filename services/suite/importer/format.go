package importer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
)

// dateFormat is a notation such as M/D/YYYY: YYYY is four digits, MM and DD two, M and D one or two; all else stands
// for itself. The zero value is YYYY-MM-DD.
type dateFormat []string

func parseDateFormat(text string) (dateFormat, error) {
	var format dateFormat
	seen := map[byte]int{}
	for i := 0; i < len(text); {
		n := 1
		for c := text[i]; strings.IndexByte("YMD", c) >= 0 && i+n < len(text) && text[i+n] == c; n++ {
		}
		part := text[i : i+n]
		switch part {
		case "YYYY", "MM", "M", "DD", "D":
			seen[part[0]]++
		default:
			if strings.Trim(part, "YMD") == "" {
				return nil, fmt.Errorf("%q is not part of a date format; there are YYYY, MM, M, DD, D", part)
			}
		}
		format = append(format, part)
		i += n
	}
	if seen['Y'] != 1 || seen['M'] != 1 || seen['D'] != 1 {
		return nil, fmt.Errorf("date format %.40q must have year, month and day once each, as in YYYY/M/D", text)
	}
	return format, nil
}

var errNotInFormat = errors.New("is not in the date format")

// parse reads a date and returns it as YYYY-MM-DD.
func (f dateFormat) parse(text string) (string, error) {
	if f == nil {
		f = dateFormat{"YYYY", "-", "MM", "-", "DD"}
	}
	rest := text
	number := map[byte]int{}
	for _, part := range f {
		var digits int
		switch part {
		case "YYYY":
			digits = lead(rest, 4, 4)
		case "MM", "DD":
			digits = lead(rest, 2, 2)
		case "M", "D":
			digits = lead(rest, 1, 2)
		default:
			if !strings.HasPrefix(rest, part) {
				return "", errNotInFormat
			}
			rest = rest[len(part):]
			continue
		}
		if digits == 0 {
			return "", errNotInFormat
		}
		n, err := strconv.Atoi(rest[:digits])
		if err != nil {
			return "", errNotInFormat
		}
		number[part[0]] = n
		rest = rest[digits:]
	}
	if rest != "" {
		return "", errNotInFormat
	}
	iso := fmt.Sprintf("%04d-%02d-%02d", number['Y'], number['M'], number['D'])
	if _, err := calendar.ParseDate(iso); err != nil {
		return "", errors.New("is not a day of the calendar")
	}
	return iso, nil
}

func (f dateFormat) String() string {
	if f == nil {
		return "YYYY-MM-DD"
	}
	return strings.Join(f, "")
}

// lead counts the digits at the start, 0 where there are fewer than least; it takes at most most.
func lead(text string, least, most int) int {
	n := 0
	for n < len(text) && n < most && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	if n < least {
		return 0
	}
	return n
}

// numberFormat is how amounts are written. The zero value is 1234.56.
type numberFormat struct{ thousands, decimal string }

func parseNumberFormat(text string) (numberFormat, error) {
	switch text {
	case "1234.56":
		return numberFormat{}, nil
	case "1,234.56":
		return numberFormat{thousands: ",", decimal: "."}, nil
	case "1234,56":
		return numberFormat{decimal: ","}, nil
	case "1.234,56":
		return numberFormat{thousands: ".", decimal: ","}, nil
	default:
		return numberFormat{}, errors.New(`number_format must be one of "1234.56", "1,234.56", "1234,56", "1.234,56"`)
	}
}

// parse returns the amount as a plain decimal; whether it is one is for the currency to say.
func (f numberFormat) parse(text string) (string, error) {
	if f == (numberFormat{}) {
		return text, nil
	}
	whole, fraction, has := strings.Cut(text, f.decimal)
	if f.thousands != "" {
		groups := strings.Split(whole, f.thousands)
		for i, g := range groups {
			if i > 0 && len(g) != 3 || i == 0 && len(groups) > 1 && len(strings.TrimPrefix(g, "-")) > 3 {
				return "", errors.New("has its thousands in the wrong places")
			}
		}
		whole = strings.Join(groups, "")
	}
	if strings.ContainsAny(whole+fraction, ".,") {
		return "", errors.New("is not in the number format")
	}
	if has {
		return whole + "." + fraction, nil
	}
	return whole, nil
}
