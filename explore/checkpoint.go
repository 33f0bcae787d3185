package explore

func (s *search) save(*frontier) error         { return nil }
func (s *search) load(*frontier) (bool, error) { return false, nil }
