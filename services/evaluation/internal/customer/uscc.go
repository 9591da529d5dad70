package customer

import "strings"

// usccAlphabet is the alphabet of GB 32100-2015: no I, O, S, V, Z.
const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// usccLength includes the check digit.
const usccLength = 18

// ValidUSCC reports whether the text is a unified social credit code whose check
// digit is right (GB 32100-2015: weights are the powers of 3 modulo 31).
func ValidUSCC(code string) bool {
	if len(code) != usccLength {
		return false
	}
	sum, weight := 0, 1
	for i := range usccLength - 1 {
		value := strings.IndexByte(usccAlphabet, code[i])
		if value < 0 {
			return false
		}
		sum += value * weight
		weight = weight * 3 % 31
	}
	return code[usccLength-1] == usccAlphabet[(31-sum%31)%31]
}
