package main

import (
	"context"

	"althing/bench/result"
)

func (r *run) api(context.Context, string) ([]result.Row, error) { return nil, nil }
