------------------------ MODULE ViewstampedReplication ------------------------
(***************************************************************************)
(* Viewstamped Replication: a primary orders, backups follow, and a view   *)
(* change hands over.  A replica that crashes has lost everything but,     *)
(* here, the number of its view.                                           *)
(*                                                                         *)
(* Liskov and Cowling, "Viewstamped Replication Revisited",                *)
(* MIT-CSAIL-TR-2012-021: cited as VRR.  Oki and Liskov, "Viewstamped      *)
(* Replication", PODC 1988: cited as VR.                                   *)
(*                                                                         *)
(* Three departures, each for a reason.  VRR keeps nothing on disk.  Then a*)
(* replica can take part in a view change, crash, recover into the view    *)
(* before, and help to commit there what the view change does not know of  *)
(* (Michael et al., "Recovering Shared Objects Without Stable Storage",    *)
(* DISC 2017).  VR kept the number of the view; with StableViews so do we, *)
(* and without it TLC finds that run.  A message that brings a log brings  *)
(* all of it, so that PREPARE, STARTVIEW and NEWSTATE are one kind here,   *)
(* "state".  And state transfer within a change of views takes the other's *)
(* log at once, where VRR 5.2 first drops what is not committed: what was  *)
(* dropped may have been promised.                                         *)
(*                                                                         *)
(* A message, once sent, stays: see Raft.tla, also on EagerSpec.           *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    N,           \* replicas are 1..N
    Operation,
    MaxView,
    MaxOp,
    MaxCrash,    \* crashes of one replica
    StableViews  \* whether the number of its view outlives a crash

VARIABLES
    view,        \* by replica: view-number
    status,      \* by replica: "normal", "view-change", "recovering"
    log,         \* by replica; op-number is its length
    commit,      \* by replica: commit-number
    lastNormal,  \* by replica: the latest view in which its status was normal
    nonce,       \* by replica: tells one recovery from the next; counts crashes
    msgs,
    decided      \* all that a primary committed: <<view, log>>; looked at by properties only

vars == <<view, status, log, commit, lastNormal, nonce, msgs, decided>>

Replica == 1..N
F == (N - 1) \div 2
Primary(v) == (v % N) + 1
Prefix(l, n) == SubSeq(l, 1, n)
IsPrefix(a, b) == Len(a) <= Len(b) /\ Prefix(b, Len(a)) = a
Max(a, b) == IF a > b THEN a ELSE b
Senders(S) == {m.from : m \in S}

Init ==
    /\ view = [r \in Replica |-> 0]
    /\ status = [r \in Replica |-> "normal"]
    /\ log = [r \in Replica |-> <<>>]
    /\ commit = [r \in Replica |-> 0]
    /\ lastNormal = [r \in Replica |-> 0]
    /\ nonce = [r \in Replica |-> 0]
    /\ msgs = {}
    /\ decided = {}

-----------------------------------------------------------------------------
(* Normal operation                                                        *)

\* VRR 4.1, steps 2 and 3
Request(r, o) ==
    /\ status[r] = "normal" /\ r = Primary(view[r])
    /\ Len(log[r]) < MaxOp
    /\ log' = [log EXCEPT ![r] = Append(@, o)]
    /\ UNCHANGED <<view, status, commit, lastNormal, nonce, msgs, decided>>

\* A log of this view that is longer, or one of a later view, takes the place of
\* one's own.  VRR 4.1, step 4; 4.2, step 5; 5.2
TakeState(r, m) ==
    /\ m.type = "state"
    /\ status[r] # "recovering"
    /\ \/ m.view > view[r]
       \/ m.view = view[r] /\ status[r] = "view-change"
       \/ m.view = view[r] /\ Len(m.log) > Len(log[r])
       \/ m.view = view[r] /\ Len(m.log) = Len(log[r]) /\ m.commit > commit[r]
    /\ view' = [view EXCEPT ![r] = m.view]
    /\ status' = [status EXCEPT ![r] = "normal"]
    /\ log' = [log EXCEPT ![r] = m.log]
    /\ commit' = [commit EXCEPT ![r] = Max(@, m.commit)]
    /\ lastNormal' = [lastNormal EXCEPT ![r] = m.view]
    /\ UNCHANGED <<nonce, msgs, decided>>

PrepareOks(v, n) == {m \in msgs : m.type = "prepareOk" /\ m.view = v /\ m.n >= n}

\* With F answers of others an operation is committed, and all before it.
\* VRR 4.1, step 5
Commit(r, n) ==
    /\ status[r] = "normal" /\ r = Primary(view[r])
    /\ n \in commit[r] + 1 .. Len(log[r])
    /\ Cardinality(Senders(PrepareOks(view[r], n)) \ {r}) >= F
    /\ commit' = [commit EXCEPT ![r] = n]
    /\ decided' = decided \cup {<<view[r], Prefix(log[r], n)>>}
    /\ UNCHANGED <<view, status, log, lastNormal, nonce, msgs>>

-----------------------------------------------------------------------------
(* View changes                                                            *)

\* A replica hears nothing of its primary, or of a later view.  VRR 4.2, step 1
StartViewChange(r, v) ==
    /\ status[r] # "recovering"
    /\ v > view[r] /\ v <= MaxView
    /\ view' = [view EXCEPT ![r] = v]
    /\ status' = [status EXCEPT ![r] = "view-change"]
    /\ UNCHANGED <<log, commit, lastNormal, nonce, msgs, decided>>

\* VRR 4.2, step 2
MayDoViewChange(r) ==
    /\ status[r] = "view-change"
    /\ Cardinality(Senders({m \in msgs : m.type = "startViewChange" /\ m.view = view[r]}) \ {r}) >= F

\* Of F + 1 logs, one's own among them, the new primary takes the one of the latest
\* view in which its replica was normal, and of those the longest.  VRR 4.2, step 3
Latest(S) == CHOOSE m \in S : \A n \in S :
    m.lastNormal > n.lastNormal \/ (m.lastNormal = n.lastNormal /\ Len(m.log) >= Len(n.log))
StartView(r) ==
    /\ status[r] = "view-change" /\ r = Primary(view[r])
    /\ \E S \in SUBSET {m \in msgs : m.type = "doViewChange" /\ m.view = view[r]} :
        /\ Cardinality(S) = F + 1 /\ Cardinality(Senders(S)) = F + 1 /\ r \in Senders(S)
        /\ log' = [log EXCEPT ![r] = Latest(S).log]
        /\ commit' = [commit EXCEPT ![r] =
                        LET C == {m.commit : m \in S} IN CHOOSE c \in C : \A d \in C : d <= c]
    /\ status' = [status EXCEPT ![r] = "normal"]
    /\ lastNormal' = [lastNormal EXCEPT ![r] = view[r]]
    /\ UNCHANGED <<view, nonce, msgs, decided>>

-----------------------------------------------------------------------------
(* Recovery                                                                *)

\* No more than F are down or recovering at once.  VRR 2.1, 4.3
Crash(r) ==
    /\ nonce[r] < MaxCrash
    /\ Cardinality({q \in Replica : status[q] = "recovering"} \cup {r}) <= F
    /\ nonce' = [nonce EXCEPT ![r] = @ + 1]
    /\ status' = [status EXCEPT ![r] = "recovering"]
    /\ view' = [view EXCEPT ![r] = IF StableViews THEN @ ELSE 0]
    /\ log' = [log EXCEPT ![r] = <<>>]
    /\ commit' = [commit EXCEPT ![r] = 0]
    /\ lastNormal' = [lastNormal EXCEPT ![r] = 0]
    /\ UNCHANGED <<msgs, decided>>

\* F + 1 answers to this recovery, one of them from the primary of the latest view
\* among them; and none from before a view that this replica has promised.  VRR 4.3
Recover(r) ==
    /\ status[r] = "recovering"
    /\ \E S \in SUBSET {m \in msgs : m.type = "recoveryResponse" /\ m.to = r /\ m.nonce = nonce[r]} :
        /\ Cardinality(S) = F + 1 /\ Cardinality(Senders(S)) = F + 1
        /\ \E m \in S :
            /\ \A n \in S : n.view <= m.view
            /\ m.from = Primary(m.view)
            /\ m.view >= view[r]
            /\ view' = [view EXCEPT ![r] = m.view]
            /\ log' = [log EXCEPT ![r] = m.log]
            /\ commit' = [commit EXCEPT ![r] = m.commit]
            /\ lastNormal' = [lastNormal EXCEPT ![r] = m.view]
    /\ status' = [status EXCEPT ![r] = "normal"]
    /\ UNCHANGED <<nonce, msgs, decided>>

-----------------------------------------------------------------------------
(* What a replica says                                                     *)

Says(r) ==
    CASE status[r] = "normal" ->
            {[type |-> "state", view |-> view[r], log |-> log[r], commit |-> commit[r]]}
            \* VRR 4.1, step 4
            \cup {[type |-> "prepareOk", view |-> view[r], n |-> Len(log[r]), from |-> r]}
            \* VRR 4.3, step 2
            \cup {[type |-> "recoveryResponse", view |-> view[r], nonce |-> m.nonce, to |-> m.from, from |-> r,
                   log |-> IF r = Primary(view[r]) THEN log[r] ELSE <<>>,
                   commit |-> IF r = Primary(view[r]) THEN commit[r] ELSE 0] :
                  m \in {m \in msgs : m.type = "recovery" /\ m.from # r}}
      [] status[r] = "view-change" ->
            {[type |-> "startViewChange", view |-> view[r], from |-> r]}
            \cup IF ~MayDoViewChange(r) THEN {} ELSE
                 {[type |-> "doViewChange", view |-> view[r], log |-> log[r], lastNormal |-> lastNormal[r],
                   commit |-> commit[r], from |-> r]}
      [] status[r] = "recovering" -> {[type |-> "recovery", from |-> r, nonce |-> nonce[r]]}

Say(r, m) ==
    /\ m \in Says(r)
    /\ msgs' = msgs \cup {m}
    /\ UNCHANGED <<view, status, log, commit, lastNormal, nonce, decided>>

Act(r) ==
    \/ \E o \in Operation : Request(r, o)
    \/ \E n \in 1..Len(log[r]) : Commit(r, n)
    \/ \E v \in 1..MaxView : StartViewChange(r, v)
    \/ StartView(r) \/ Crash(r) \/ Recover(r)
    \/ \E m \in msgs : TakeState(r, m)

Next == \E r \in Replica : Act(r) \/ \E m \in Says(r) : Say(r, m)
Spec == Init /\ [][Next]_vars

\* All is said as soon as it may be: see Raft.tla.
Unsaid == UNION {Says(r) : r \in Replica} \ msgs
EagerNext ==
    IF Unsaid # {} THEN msgs' = msgs \cup Unsaid /\ UNCHANGED <<view, status, log, commit, lastNormal, nonce, decided>>
    ELSE \E r \in Replica : Act(r)
EagerSpec == Init /\ [][EagerNext]_vars

\* Views end, and nobody crashes any more: the last primary has its way.
LiveSpec == EagerSpec /\ WF_vars(EagerNext)

-----------------------------------------------------------------------------
(* Invariants                                                              *)

TypeOK ==
    /\ view \in [Replica -> 0..MaxView]
    /\ status \in [Replica -> {"normal", "view-change", "recovering"}]
    /\ \A r \in Replica : commit[r] \in 0..Len(log[r]) /\ Len(log[r]) <= MaxOp

\* What is committed is committed once and for all.
Agreement == \A a, b \in decided : IsPrefix(a[2], b[2]) \/ IsPrefix(b[2], a[2])
Committed == \A r \in Replica : commit[r] > 0 => \E d \in decided : IsPrefix(Prefix(log[r], commit[r]), d[2])

\* A view begins with all that was committed in those before.  VRR 4.2, "Correctness"
Survives == \A r \in Replica : status[r] = "normal" =>
    \A d \in decided : d[1] < view[r] => IsPrefix(d[2], log[r])

OneLogAView == \A r, q \in Replica : view[r] = view[q] /\ status[r] = "normal" /\ status[q] = "normal" =>
    IsPrefix(log[r], log[q]) \/ IsPrefix(log[q], log[r])

-----------------------------------------------------------------------------
(* Temporal properties                                                     *)

DecidedStays == [][decided \subseteq decided']_vars
ViewsGrow == [][\A r \in Replica : StableViews => view'[r] >= view[r]]_vars

\* An operation is committed, by everybody in the end.
Progress == <>(\A r \in Replica : commit[r] = MaxOp)

Alike == Permutations(Operation)
=============================================================================
