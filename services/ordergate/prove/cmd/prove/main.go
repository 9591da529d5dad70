// Command prove puts the order gate under load and faults for as long as one likes, and says what it found. See the package's README.
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/ordergate/prove"
)

func main() {
	prove.ServeIfAsked(nil)
	var cli struct {
		Duration   time.Duration `help:"Length of the load." default:"5m"`
		Callers    int           `help:"Callers at once." default:"64"`
		Replicas   int           `help:"Gate processes." default:"2"`
		Accounts   int           `help:"Customers; 1 is one hot customer." default:"4"`
		Groups     int           `help:"Groups of two customers that share a limit; 0: half of the customers are in groups; below 0: none."`
		FaultEvery time.Duration `help:"Pause between faults; below 0: none." default:"2s"`
		Fault      []string      `help:"Only faults of this kind, named as in the report; may be given several times."`
		Window     int           `help:"Operations in a window of porcupine." default:"20000"`
	}
	kong.Parse(&cli, kong.Name("prove"), kong.Description("Proves the order gate under load and faults: nothing lost, nothing doubled, nothing over the limit."))
	os.Exit(host.Main("prove", os.Stderr, func(ctx context.Context) error {
		r, err := prove.Run(ctx, prove.Config{
			Duration: cli.Duration, Callers: cli.Callers, Replicas: cli.Replicas, Accounts: cli.Accounts, Groups: cli.Groups,
			FaultEvery: cli.FaultEvery, Faults: cli.Fault, Window: cli.Window,
		})
		if err != nil {
			return err
		}
		r.Print(os.Stdout)
		if !r.Holds() {
			return errors.New("the gate did not keep its promise")
		}
		return nil
	}))
}
