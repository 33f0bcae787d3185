--------------------------- MODULE TraceMultiPaxos ---------------------------
(***************************************************************************)
(* One run of Multi-Paxos, as a behaviour of the specification: see        *)
(* TraceRaft.tla.  seen is how much a replica has handed to its            *)
(* application, and the last of it.                                        *)
(***************************************************************************)
EXTENDS MultiPaxos

CONSTANT Run

VARIABLE at

Step(r) ==
    CASE r.a = "Prepare" -> Prepare(r.b)
      [] r.a = "Promise" -> r.m \in msgs /\ Promise(r.i, r.m)
      [] r.a = "Propose" -> Propose(r.i, r.b, r.s, r.v)
      [] r.a = "Accept" -> r.m \in msgs /\ Accept(r.i, r.m)
      [] r.a = "Execute" -> Execute(r.i)
      [] r.a = "Look" -> UNCHANGED vars

Shows(r) == "seen" \in DOMAIN r =>
    r.seen.commit <= Len(executed'[r.i]) /\ executed'[r.i][r.seen.commit] = r.seen.value

TraceInit == Init /\ at = 1

TraceNext ==
    \* r is bound, so that what is primed in Shows is not the step's number.
    \/ at <= Len(Run) /\ at' = at + 1 /\ \E r \in {Run[at]} : Step(r) /\ Shows(r)
    \/ at > Len(Run) /\ UNCHANGED <<vars, at>>

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, at>>
=============================================================================
