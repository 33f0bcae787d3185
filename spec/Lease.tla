-------------------------------- MODULE Lease --------------------------------
(***************************************************************************)
(* A lease with fencing: a service grants a resource to one client for a   *)
(* time, and the resource itself refuses who comes late.                   *)
(*                                                                         *)
(* Gray and Cheriton, "Leases", SOSP 1989: cited as GC.  Burrows, "The     *)
(* Chubby Lock Service", OSDI 2006, section 2.4 (sequencers): cited as     *)
(* Chubby.                                                                 *)
(*                                                                         *)
(* Two promises, and they rest on different things.  That no two clients   *)
(* think that they hold the lease rests on clocks: no client's differs from*)
(* the service's by more than Skew.  But a client that looked at its clock *)
(* may be stopped before it writes, and its message may be slow, so writes *)
(* need more: each carries the number of its lease, and the resource takes *)
(* none below the highest that it has seen.  That rests on no clock.       *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
    Client,
    Nobody,
    Length,     \* of a lease, on the service's clock
    Skew,       \* by how much a client's clock may differ from the service's
    MaxTime,    \* bounds of an instance
    MaxLease

VARIABLES
    time,       \* the service's clock
    clock,      \* by client: its own
    lease,      \* the service's: number, holder, and until when
    asked,      \* by client: its clock when it asked; 0 if it has not
    held,       \* by client: number of the lease it was granted, and when it had asked for it
    grant,      \* by client: the latest grant on its way to it
    sent,       \* numbers of writes on their way; a write may come at any time, again, or never
    last        \* the resource's: the number that came with the last write it took

vars == <<time, clock, lease, asked, held, grant, sent, last>>

Init ==
    /\ time = 1
    /\ clock \in [Client -> {c \in 1..MaxTime : c <= 1 + Skew}]
    /\ lease = [number |-> 0, holder |-> Nobody, until |-> 1]
    /\ asked = [c \in Client |-> 0]
    /\ held = [c \in Client |-> [number |-> 0, since |-> 0]]
    /\ grant = [c \in Client |-> [number |-> 0, asked |-> 0]]
    /\ sent = {}
    /\ last = 0

Near(a, b) == a <= b + Skew /\ b <= a + Skew

\* Time passes for the service, or for a client, as far apart as they may be.
Tick ==
    /\ time < MaxTime
    /\ \A c \in Client : Near(clock[c], time + 1)
    /\ time' = time + 1
    /\ UNCHANGED <<clock, lease, asked, held, grant, sent, last>>
TickOf(c) ==
    /\ Near(clock[c] + 1, time)
    /\ clock' = [clock EXCEPT ![c] = @ + 1]
    /\ UNCHANGED <<time, lease, asked, held, grant, sent, last>>

-----------------------------------------------------------------------------
(* The lease                                                               *)

\* A client notes when it asks: the lease may be granted at once.  GC 2
Ask(c) ==
    /\ asked[c] = 0
    /\ asked' = [asked EXCEPT ![c] = clock[c]]
    /\ UNCHANGED <<time, clock, lease, held, grant, sent, last>>

\* The service grants when nobody holds it, with the next number; or again to whom
\* holds it.  GC 2; Chubby 2.4
Grant(c) ==
    /\ asked[c] # 0
    /\ lease.holder \in {Nobody, c} \/ time >= lease.until
    /\ LET n == IF lease.holder = c /\ time < lease.until THEN lease.number ELSE lease.number + 1
       IN  /\ n <= MaxLease
           /\ lease' = [number |-> n, holder |-> c, until |-> time + Length]
           /\ grant' = [grant EXCEPT ![c] = [number |-> n, asked |-> asked[c]]]
    /\ UNCHANGED <<time, clock, asked, held, sent, last>>

\* The grant arrives: it counts from when it was asked for.  GC 2
Receive(c) ==
    /\ asked[c] # 0 /\ grant[c].asked = asked[c]
    /\ held' = [held EXCEPT ![c] = [number |-> grant[c].number, since |-> asked[c]]]
    /\ asked' = [asked EXCEPT ![c] = 0]
    /\ UNCHANGED <<time, clock, lease, grant, sent, last>>

\* The request or the grant was lost, and the client asks again.
GiveUp(c) ==
    /\ asked[c] # 0
    /\ asked' = [asked EXCEPT ![c] = 0]
    /\ UNCHANGED <<time, clock, lease, held, grant, sent, last>>

\* Whether a client thinks that it holds the lease: by its own clock, less what the
\* clocks may differ by when it asks and when it looks.  GC 2, 5
Believes(c) == held[c].number > 0 /\ clock[c] + 2 * Skew < held[c].since + Length

-----------------------------------------------------------------------------
(* The resource                                                            *)

\* A client that holds the lease writes; the message takes as long as it likes.
Write(c) ==
    /\ Believes(c)
    /\ sent' = sent \cup {held[c].number}
    /\ UNCHANGED <<time, clock, lease, asked, held, grant, last>>

\* Not below the number of the last one.  Chubby 2.4
TakeWrite(n) ==
    /\ n >= last
    /\ last' = n
    /\ UNCHANGED <<time, clock, lease, asked, held, grant, sent>>

Next ==
    \/ Tick
    \/ \E c \in Client : TickOf(c) \/ Ask(c) \/ Grant(c) \/ Receive(c) \/ GiveUp(c) \/ Write(c)
    \/ \E n \in sent : TakeWrite(n)

Spec == Init /\ [][Next]_vars

\* The service's clock runs, and the clients' with it.
LiveSpec == Spec /\ WF_vars(Tick) /\ \A c \in Client : WF_vars(TickOf(c))

-----------------------------------------------------------------------------
(* Invariants                                                              *)

TypeOK ==
    /\ time \in 1..MaxTime /\ \A c \in Client : Near(clock[c], time)
    /\ lease.number \in 0..MaxLease /\ lease.holder \in Client \cup {Nobody}
    /\ last \in 0..MaxLease

\* No two clients think that they hold the lease, as far as clocks can be trusted.
Exclusion == \A c, d \in Client : Believes(c) /\ Believes(d) => c = d

\* Who thinks that it holds the lease is who the service thinks does.
Backed == \A c \in Client : Believes(c) =>
    lease.holder = c /\ lease.number = held[c].number /\ time < lease.until

-----------------------------------------------------------------------------
(* Temporal properties                                                     *)

NumbersGrow == [][lease'.number >= lease.number]_vars

\* Writes are taken lease by lease, whatever clocks do.
Fenced == [][last' >= last]_vars

\* Who does nothing loses the lease: time alone ends it, so that another can have
\* the next.
Ends == \A c \in Client : Believes(c) ~> ~Believes(c) \/ time = MaxTime

Alike == Permutations(Client)
=============================================================================
