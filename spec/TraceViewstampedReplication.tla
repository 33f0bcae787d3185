--------------------- MODULE TraceViewstampedReplication ---------------------
(***************************************************************************)
(* One run of Viewstamped Replication, as a behaviour of the specification:*)
(* see TraceRaft.tla.                                                      *)
(***************************************************************************)
EXTENDS ViewstampedReplication

CONSTANT Run

VARIABLE at

Step(r) ==
    CASE r.a = "Sync" -> Sync(r.i)
      [] r.a = "Flush" -> Flush(r.i)
      [] r.a = "Crash" -> Crash(r.i, r.n)
      [] r.a = "Enter" -> Enter(r.i, r.v)
      [] r.a = "DoViewChange" -> DoViewChange(r.i)
      [] r.a = "Fetch" -> r.m \in msgs /\ Fetch(r.i, r.m)
      [] r.a = "StartView" -> StartView(r.i)
      [] r.a = "Follow" -> Follow(r.i)
      [] r.a = "StepDown" -> StepDown(r.i)
      [] r.a = "Request" -> Request(r.i, r.o)
      [] r.a = "Prepare" -> Prepare(r.i, r.p, r.n)
      [] r.a = "SendState" -> SendState(r.i, r.p, r.n)
      [] r.a = "AcceptPrepare" -> r.m \in msgs /\ AcceptPrepare(r.i, r.m)
      [] r.a = "PrepareOk" -> PrepareOk(r.i, r.n)
      [] r.a = "Commit" -> Commit(r.i, r.n)
      [] r.a = "SendCommit" -> SendCommit(r.i)
      [] r.a = "Learn" -> Learn(r.i, r.n)
      [] r.a = "SendImage" -> SendImage(r.i)
      [] r.a = "TakeImage" -> r.m \in msgs /\ TakeImage(r.i, r.m)
      [] r.a = "Recovery" -> Recovery(r.i)
      [] r.a = "RecoveryResponse" -> r.m \in msgs /\ RecoveryResponse(r.i, r.m)
      [] r.a = "Recognize" -> r.m \in msgs /\ Recognize(r.i, r.m)
      [] r.a = "Recover" -> Recover(r.i)
      [] r.a = "Look" -> UNCHANGED vars

Shows(r) == "seen" \in DOMAIN r =>
    /\ role'[r.i] = r.seen.role
    /\ View(r.i)' = r.seen.view
    /\ Len(Log(r.i)') = r.seen.last
    /\ Committed(r.i)' = r.seen.commit

TraceInit == Init /\ at = 1

TraceNext ==
    \* r is bound, so that what is primed in Shows is not the step's number.
    \/ at <= Len(Run) /\ at' = at + 1 /\ \E r \in {Run[at]} : Step(r) /\ Shows(r)
    \/ at > Len(Run) /\ UNCHANGED <<vars, at>>

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, at>>
=============================================================================
