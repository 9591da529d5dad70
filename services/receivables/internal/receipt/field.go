package receipt

import "strconv"

// fieldOf is the path of a field of a named invoice in a request.
func fieldOf(i int, name string) string {
	return "invoices[" + strconv.Itoa(i) + "]." + name
}
