package kv

func (c *Put) append(b []byte) []byte             { panic("kv: not built") }
func (c *DeleteRange) append(b []byte) []byte     { panic("kv: not built") }
func (c *Range) append(b []byte) []byte           { panic("kv: not built") }
func (c *Txn) append(b []byte) []byte             { panic("kv: not built") }
func (c *Compact) append(b []byte) []byte         { panic("kv: not built") }
func (c *LeaseGrant) append(b []byte) []byte      { panic("kv: not built") }
func (c *LeaseRevoke) append(b []byte) []byte     { panic("kv: not built") }
func (c *LeasePromote) append(b []byte) []byte    { panic("kv: not built") }
func (c *LeaseExpire) append(b []byte) []byte     { panic("kv: not built") }
func (c *LeaseCheckpoint) append(b []byte) []byte { panic("kv: not built") }
func (c *SetAlarm) append(b []byte) []byte        { panic("kv: not built") }
func (c *UpdateMember) append(b []byte) []byte    { panic("kv: not built") }
