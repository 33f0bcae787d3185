------------------------------ MODULE TracePaxos ------------------------------
(***************************************************************************)
(* One run of Paxos, as a behaviour of the specification: see              *)
(* TraceRaft.tla.  seen is what a replica took for chosen.                 *)
(***************************************************************************)
EXTENDS Paxos, Sequences

CONSTANT Run

VARIABLE at

Step(r) ==
    CASE r.a = "Prepare" -> Prepare(r.b)
      [] r.a = "Promise" -> r.m \in msgs /\ Promise(r.i, r.m)
      [] r.a = "Propose" -> Propose(r.b, r.v)
      [] r.a = "Accept" -> r.m \in msgs /\ Accept(r.i, r.m)
      [] r.a = "Look" -> UNCHANGED vars

Shows(r) == "seen" \in DOMAIN r => r.seen.chosen \in Chosen

TraceInit == Init /\ at = 1

TraceNext ==
    \/ at <= Len(Run) /\ at' = at + 1 /\ \E r \in {Run[at]} : Step(r) /\ Shows(r)
    \/ at > Len(Run) /\ UNCHANGED <<vars, at>>

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, at>>
=============================================================================
