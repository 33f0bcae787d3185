---------------------------- MODULE TraceFastPaxos ----------------------------
(***************************************************************************)
(* One run of Fast Paxos, as behaviours of the specification: see          *)
(* TraceRaft.tla.  The specification is of one position of a log, so TLC   *)
(* is shown the run once for each: the steps of that position, s, and      *)
(* those of all.  seen is what a replica took for chosen in a position.    *)
(***************************************************************************)
EXTENDS FastPaxos, Sequences

CONSTANTS
    Run,
    LastSlot   \* the last position

VARIABLES at, slot

Step(r) ==
    CASE "s" \in DOMAIN r /\ r.s # slot -> UNCHANGED vars
      [] r.a = "Look" -> UNCHANGED vars
      [] OTHER ->
    CASE r.a = "Ask" -> Ask(r.v)
      [] r.a = "Prepare" -> Prepare(r.b)
      [] r.a = "Promise" -> r.m \in msgs /\ Promise(r.i, r.m)
      [] r.a = "Propose" -> Propose(r.b, r.v)
      [] r.a = "Accept" -> r.m \in msgs /\ Accept(r.i, r.m, r.v)
      [] r.a = "Recover" -> Recover(r.i, r.b, r.v)

Shows(r) == "seen" \in DOMAIN r /\ r.seen.s = slot => r.seen.v \in Chosen

TraceInit == Init /\ at = 1 /\ slot = 1

TraceNext ==
    \/ at <= Len(Run) /\ at' = at + 1 /\ slot' = slot /\ \E r \in {Run[at]} : Step(r) /\ Shows(r)
    \/ at > Len(Run) /\ slot < LastSlot /\ at' = 1 /\ slot' = slot + 1
        /\ promised' = [a \in Acceptor |-> 0]
        /\ accepted' = [a \in Acceptor |-> <<0, Nothing>>]
        /\ proposed' = {}
        /\ msgs' = {}
    \/ at > Len(Run) /\ slot >= LastSlot /\ UNCHANGED <<vars, at, slot>>

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, at, slot>>
=============================================================================
