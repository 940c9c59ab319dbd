package random

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
)

const (
	lowerCase = "abcdefghijklmnopqrstuvwxyz"
	upperCase = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits    = "0123456789"
	specials  = "!@#$%&*()-_=+[]{}<>:?"
)

// charset is a kind of characters, and how many of them there are at least.
type charset struct {
	characters string
	allowed    bool
	min        int
}

// generate gives `length` characters from the allowed sets, each with at least its minimum, in random order.
func generate(length int, sets []charset) (string, error) {
	var all string
	var result []byte
	for _, set := range sets {
		if !set.allowed {
			continue
		}
		all += set.characters
		result = append(result, pick(set.min, set.characters)...)
	}
	if all == "" {
		return "", fmt.Errorf("no characters to choose from: lower, upper, numeric and special are all false")
	}
	if len(result) > length {
		return "", fmt.Errorf("length is %d, but the minimums add up to %d", length, len(result))
	}
	result = append(result, pick(length-len(result), all)...)
	for i := len(result) - 1; i > 0; i-- {
		other := below(i + 1)
		result[i], result[other] = result[other], result[i]
	}
	return string(result), nil
}

func pick(count int, from string) string {
	var picked strings.Builder
	for range count {
		picked.WriteByte(from[below(len(from))])
	}
	return picked.String()
}

// below is a random number from 0 to limit-1. crypto/rand does not fail: it ends the process where it cannot read.
func below(limit int) int {
	number, err := rand.Int(rand.Reader, big.NewInt(int64(limit)))
	if err != nil {
		panic(err)
	}
	return int(number.Int64())
}
