------------------------ MODULE ViewstampedReplication ------------------------
(***************************************************************************)
(* Viewstamped Replication as the protocol of this house means it: a       *)
(* primary orders, backups follow, and a view change hands over.  Replicas *)
(* have disks that lag behind, or, with Diskless, keep no more on them than*)
(* the number of their view and how often they began to live.              *)
(*                                                                         *)
(* Liskov and Cowling, "Viewstamped Replication Revisited",                *)
(* MIT-CSAIL-TR-2012-021: cited as VRR.  Oki and Liskov, "Viewstamped      *)
(* Replication", PODC 1988: cited as VR.                                   *)
(*                                                                         *)
(* Departures from VRR, each for a reason.  VRR keeps nothing on disk, so  *)
(* that a replica can take part in a view change, crash, recover into the  *)
(* view before, and help to commit there what the view change does not know*)
(* of (Michael et al., "Recovering Shared Objects Without Stable Storage", *)
(* DISC 2017).  VR kept the number of the view, and so do we; then one     *)
(* answer to a recovery is enough, the primary's.  Logs are compared by the*)
(* viewstamp of their last entry, as in VR, and each view begins with an   *)
(* entry of its own.  A message brings a part of a log.  A log is dropped  *)
(* only by what takes its place, where VRR 5.2 first drops what is not     *)
(* committed: that may have been promised.  View 0 has no primary.         *)
(*                                                                         *)
(* A message, once sent, stays.  disk[r] is all that replica r was since it*)
(* was durable, oldest first: what a message promises is read off the first*)
(* and never off the last, though of a replica without a disk no log is    *)
(* ever there.  kept is what its application made durable.  See Raft.tla,  *)
(* also on EagerSpec.                                                      *)
(*                                                                         *)
(* Not here: time, and so leases and when views change (STARTVIEWCHANGE    *)
(* binds nobody); reads, client sessions, flow control; other groups, VRR 7*)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    N,         \* replicas are 1..N
    Operation, \* what clients ask for
    Diskless,  \* whether a crash takes the log
    Crashing,  \* replicas that may crash
    Keeping,   \* replicas whose application becomes durable by itself
    Images,    \* whether replicas send applications' states
    Pieces,    \* whether logs are sent in parts
    QuickDisk, \* whether a record is durable at once
    MaxView,   \* bounds of an instance
    MaxOp,
    MaxLife

VARIABLES
    disk,    \* by replica: records [view, part, log, commit, kept, life], durable one first
    role,    \* by replica: "backup", "view-change", "primary", "recovering"; lost in a crash
    msgs,    \* all that was ever sent
    decided  \* all that a primary committed: <<view, log>>; looked at by properties only

vars == <<disk, role, msgs, decided>>

Replica == 1..N
Primary(v) == (v % N) + 1
IsQuorum(Q) == 2 * Cardinality(Q) > N
Max(a, b) == IF a > b THEN a ELSE b

-----------------------------------------------------------------------------
(* Logs                                                                    *)

Entry(v, o) == [view |-> v, op |-> o]
NoOp == "no-op"

Last(s) == s[Len(s)]
ViewAt(l, n) == IF n = 0 THEN 0 ELSE l[n].view
LastView(l) == ViewAt(l, Len(l))
Prefix(l, n) == SubSeq(l, 1, n)
IsPrefix(a, b) == Len(a) <= Len(b) /\ Prefix(b, Len(a)) = a
Has(l, n, v) == n <= Len(l) /\ ViewAt(l, n) = v

End(m) == m.prev + Len(m.entries)

\* Whether log l holds all that m brings.
Agrees(l, m) == Has(l, m.prev, m.prevView) /\ End(m) <= Len(l) /\ SubSeq(l, m.prev + 1, End(m)) = m.entries

\* What log l becomes: what is there already stays, for a message that is late must
\* not cut off what came after it.
Merge(l, m) ==
    IF \E k \in 1..Len(m.entries) : ~Has(l, m.prev + k, m.entries[k].view) THEN Prefix(l, m.prev) \o m.entries ELSE l

-----------------------------------------------------------------------------
(* Replicas                                                                *)

\* part is what a replica has done in its view, in this life: "change" if it went there
\* by a view change, "primary" if it began it.
View(r) == Last(disk[r]).view
Log(r) == Last(disk[r]).log
Committed(r) == Last(disk[r]).commit
Durable(r) == disk[r][1]

\* What a replica says.  The first three promise what is durable.
DoViewChangeOf(r) ==
    LET d == Durable(r)
    IN  [type |-> "DoViewChange", view |-> d.view, from |-> r, n |-> Len(d.log), lastView |-> LastView(d.log)]
OkOf(r, n) == [type |-> "PrepareOk", view |-> Durable(r).view, from |-> r, n |-> n]
ResponseOf(r, m) ==
    [type |-> "RecoveryResponse", view |-> Durable(r).view, to |-> m.from, nonce |-> m.nonce,
     n |-> Len(Durable(r).log)]
RecoveryOf(r) == [type |-> "Recovery", from |-> r, nonce |-> Durable(r).life]
PartOf(r, t, p, n) ==
    [type |-> t, view |-> View(r), from |-> r, prev |-> p, prevView |-> ViewAt(Log(r), p),
     entries |-> SubSeq(Log(r), p + 1, p + n), commit |-> Committed(r)]
CommitOf(r) == [type |-> "Commit", view |-> View(r), from |-> r, commit |-> Committed(r)]
ImageOf(r) == [type |-> "Image", view |-> Durable(r).view, from |-> r, prefix |-> Prefix(Log(r), Committed(r))]

Save(r, x) == disk' = [disk EXCEPT ![r] = IF QuickDisk THEN <<x>> ELSE Append(@, x)]
Send(m) == msgs' = msgs \cup {m}
Become(r, x) == role' = [role EXCEPT ![r] = x]

\* A replica without a disk counts its lives.
Lives(x) ==
    LET y == [x EXCEPT !.life = @ + 1]
    IN  IF ~Diskless THEN <<x>> ELSE IF QuickDisk THEN <<y>> ELSE <<x, y>>

Init ==
    /\ disk = [r \in Replica |-> Lives([view |-> 0, part |-> "none", log |-> <<>>, commit |-> 0,
                                        kept |-> <<>>, life |-> 0])]
    /\ role = [r \in Replica |-> "backup"]
    /\ msgs = {}
    /\ decided = {}

-----------------------------------------------------------------------------
(* Disks                                                                   *)

\* The oldest record that is not durable becomes so.
Sync(r) ==
    /\ Len(disk[r]) > 1
    /\ disk' = [disk EXCEPT ![r] = Tail(@)]
    /\ UNCHANGED <<role, msgs, decided>>

\* The application makes what it has executed durable; its log may lag behind.
Flush(r) ==
    LET a == Prefix(Log(r), Committed(r))
    IN  /\ r \in Keeping
        /\ Len(a) > Len(Durable(r).kept)
        /\ disk' = [disk EXCEPT ![r] = [n \in 1..Len(@) |->
                     IF Len(a) > Len(@[n].kept) THEN [@[n] EXCEPT !.kept = a] ELSE @[n]]]
        /\ UNCHANGED <<role, msgs, decided>>

\* What a replica begins again with: what its application holds is committed, and may
\* be of a later view than its disk knows of.
Restored(x) ==
    LET l == IF ~Diskless /\ Has(x.log, Len(x.kept), LastView(x.kept)) THEN x.log ELSE x.kept
    IN  [x EXCEPT !.log = l, !.commit = Len(x.kept), !.part = "none", !.view = Max(@, LastView(l))]

\* A replica stops, and begins again with the durable record or any later one.  Nobody
\* is primary of the view that it was primary of: it may have sent what its disk has
\* lost.  Without a disk, who has lived takes part in nothing.  VRR 4.3
Crash(r, n) ==
    /\ n \in 1..Len(disk[r])
    /\ disk' = [disk EXCEPT ![r] = Lives(Restored(@[n]))]
    /\ Become(r, IF disk[r][n].life > 0 THEN "recovering" ELSE "backup")
    /\ UNCHANGED <<msgs, decided>>

-----------------------------------------------------------------------------
(* View changes                                                            *)

\* A replica goes to a later view: it hears nothing of its primary, or of that view.
\* VRR 4.2, step 1
Enter(r, v) ==
    /\ role[r] # "recovering"
    /\ v > View(r)
    /\ Save(r, [Last(disk[r]) EXCEPT !.view = v, !.part = "change"])
    /\ Become(r, "view-change")
    /\ UNCHANGED <<msgs, decided>>

\* It says so, and where its log ends, when its disk knows.  VRR 4.2, step 2
MayDoViewChange(r) == Durable(r).part = "change" /\ role[r] # "recovering"
DoViewChange(r) ==
    /\ MayDoViewChange(r)
    /\ Send(DoViewChangeOf(r))
    /\ UNCHANGED <<disk, role, decided>>

\* Of a majority of logs, one's own among them, b says of the one with the latest
\* viewstamp.  VR; VRR 4.2, step 3
Upto(b) == {m.from : m \in {m \in msgs : m.type = "DoViewChange" /\ m.view = b.view
                               /\ (m.lastView < b.lastView \/ (m.lastView = b.lastView /\ m.n <= b.n))}}
IsBest(r, b) ==
    /\ b.type = "DoViewChange" /\ b.view = View(r) /\ r = Primary(b.view)
    /\ r \in Upto(b) /\ IsQuorum(Upto(b))

\* Who is to be primary takes that log, in pieces.  VRR 5.3
Fetch(r, m) ==
    LET l == Merge(Log(r), m)
    IN  /\ m.type = "NewState" /\ m.view = View(r)
        /\ role[r] = "view-change"
        /\ \E b \in msgs : IsBest(r, b) /\ b.from = m.from
        /\ Has(Log(r), m.prev, m.prevView)
        /\ l # Log(r)
        /\ Save(r, [Last(disk[r]) EXCEPT !.log = l])
        /\ UNCHANGED <<role, msgs, decided>>

\* With that log it begins the view, by an entry of it.  VRR 4.2, step 3
StartView(r) ==
    /\ role[r] = "view-change"
    /\ \E b \in msgs : IsBest(r, b) /\ Len(Log(r)) = b.n /\ LastView(Log(r)) = b.lastView
    /\ Save(r, [Last(disk[r]) EXCEPT !.part = "primary", !.log = Append(@, Entry(View(r), NoOp))])
    /\ Become(r, "primary")
    /\ UNCHANGED <<msgs, decided>>

\* The primary of the view is heard.  VRR 4.2, step 5
Follow(r) ==
    /\ role[r] = "view-change"
    /\ \E m \in msgs : m.type \in {"Prepare", "Commit", "Image"} /\ m.view = View(r) /\ m.from = Primary(m.view)
    /\ Become(r, "backup")
    /\ UNCHANGED <<disk, msgs, decided>>

\* A primary that does not hear a majority gives up, for good.
StepDown(r) ==
    /\ role[r] = "primary"
    /\ Become(r, "backup")
    /\ UNCHANGED <<disk, msgs, decided>>

-----------------------------------------------------------------------------
(* Normal operation                                                        *)

\* VRR 4.1, steps 2 and 3
Request(r, o) ==
    /\ role[r] = "primary"
    /\ Len(Log(r)) < MaxOp
    /\ Save(r, [Last(disk[r]) EXCEPT !.log = Append(@, Entry(View(r), o))])
    /\ UNCHANGED <<role, msgs, decided>>

\* Entries leave before the primary's own disk has them: PREPARE, STARTVIEW and
\* NEWSTATE are one.  VRR 4.1, step 3
Prepare(r, p, n) ==
    /\ role[r] = "primary"
    /\ p + n <= Len(Log(r))
    /\ Send(PartOf(r, "Prepare", p, n))
    /\ UNCHANGED <<disk, role, decided>>

\* Within a view change somebody's log goes to the primary to be.  VRR 5.3
SendState(r, p, n) ==
    /\ role[r] = "view-change"
    /\ p + n <= Len(Log(r))
    /\ Send(PartOf(r, "NewState", p, n))
    /\ UNCHANGED <<disk, role, decided>>

\* A backup's log becomes the primary's.  VRR 4.1, step 4; 4.2, step 5; 5.2
AcceptPrepare(r, m) ==
    LET l == Merge(Log(r), m)
    IN  /\ m.type = "Prepare" /\ m.view = View(r)
        /\ role[r] \in {"backup", "recovering"}
        /\ Has(Log(r), m.prev, m.prevView)
        /\ l # Log(r)
        /\ Save(r, [Last(disk[r]) EXCEPT !.log = l])
        /\ UNCHANGED <<role, msgs, decided>>

\* Up to n log l is surely that of the primary of view v.
IsPrimarys(l, v, n) == \E m \in msgs : m.type = "Prepare" /\ m.view = v /\ End(m) = n /\ Agrees(l, m)

\* Who answers has on its disk what a message brought; or what it knew to be committed
\* when it came to this view, and so the primary has; or is the primary.
\* VRR 4.1, step 4
MayAcknowledge(r, n) ==
    LET d == Durable(r)
    IN  /\ role[r] # "recovering"
        /\ n <= Len(d.log)
        /\ \/ d.part = "primary"
           \/ IsPrimarys(d.log, d.view, n)
           \/ n <= d.commit
PrepareOk(r, n) ==
    /\ MayAcknowledge(r, n)
    /\ Send(OkOf(r, n))
    /\ UNCHANGED <<disk, role, decided>>

\* What a majority holds is committed, and all before it, if it is of this view.
\* VRR 4.1, step 5
Commit(r, n) ==
    /\ role[r] = "primary"
    /\ n \in Committed(r) + 1 .. Len(Log(r))
    /\ ViewAt(Log(r), n) = View(r)
    /\ IsQuorum({m.from : m \in {m \in msgs : m.type = "PrepareOk" /\ m.view = View(r) /\ m.n >= n}})
    /\ disk' = [disk EXCEPT ![r][Len(disk[r])].commit = n]
    /\ decided' = decided \cup {<<View(r), Prefix(Log(r), n)>>}
    /\ UNCHANGED <<role, msgs>>

\* VRR 4.1, step 6
SendCommit(r) ==
    /\ role[r] = "primary"
    /\ Send(CommitOf(r))
    /\ UNCHANGED <<disk, role, decided>>

\* What is committed at who sent this log is so here.  VRR 4.1, step 7
Learn(r, n) ==
    /\ n \in Committed(r) + 1 .. Len(Log(r))
    /\ \E m, q \in msgs :
        /\ m.type \in {"Prepare", "NewState", "Commit"} /\ m.view = View(r) /\ m.commit >= n
        /\ q.type \in {"Prepare", "NewState"} /\ q.view = View(r) /\ q.from = m.from
        /\ End(q) >= n /\ Agrees(Log(r), q)
    /\ disk' = [disk EXCEPT ![r][Len(disk[r])].commit = n]
    /\ UNCHANGED <<role, msgs, decided>>

-----------------------------------------------------------------------------
(* Applications' states                                                    *)

\* Who began a view, or changes to it, sends what it knows to be committed; it may know
\* more than it did when it was asked, in a later view.  VRR 5.2
MaySendImage(r) == Durable(r).part # "none" /\ Committed(r) > 0
SendImage(r) ==
    /\ MaySendImage(r)
    /\ Send(ImageOf(r))
    /\ UNCHANGED <<disk, role, decided>>

\* What follows in the log stays, for it may have been promised.
TakeImage(r, m) ==
    LET l == Log(r)
        p == m.prefix
    IN  /\ m.type = "Image" /\ m.view = View(r)
        /\ \/ role[r] \in {"backup", "recovering"} /\ m.from = Primary(m.view)
           \/ role[r] = "view-change" /\ r = Primary(m.view)
        /\ Len(p) > Committed(r)
        /\ Save(r, [Last(disk[r]) EXCEPT !.log = IF Has(l, Len(p), LastView(p)) THEN l ELSE p,
                                         !.commit = Len(p), !.kept = p])
        /\ UNCHANGED <<role, msgs, decided>>

-----------------------------------------------------------------------------
(* Recovery                                                                *)

\* Said again it may leave when it is not needed any more.  VRR 4.3, step 1
MayAsk(r) == Durable(r).life = Last(disk[r]).life /\ Durable(r).life > 1
Recovery(r) ==
    /\ MayAsk(r)
    /\ Send(RecoveryOf(r))
    /\ UNCHANGED <<disk, role, decided>>

\* A primary says how long its log is.  VRR 4.3, step 2
MayRespond(r, m) ==
    Durable(r).part = "primary" /\ role[r] # "recovering" /\ m.type = "Recovery" /\ m.from # r
RecoveryResponse(r, m) ==
    /\ MayRespond(r, m)
    /\ Send(ResponseOf(r, m))
    /\ UNCHANGED <<disk, role, decided>>

IsAnswer(r, m) == m.type = "RecoveryResponse" /\ m.to = r /\ m.nonce = Last(disk[r]).life

\* A primary of a view not before the one that this replica has promised.  VRR 4.3, step 3
Recognize(r, m) ==
    /\ role[r] = "recovering"
    /\ IsAnswer(r, m)
    /\ m.view > View(r)
    /\ Save(r, [Last(disk[r]) EXCEPT !.view = m.view])
    /\ UNCHANGED <<role, msgs, decided>>

\* All that its log had is here.  VRR 4.3, step 3
Recover(r) ==
    /\ role[r] = "recovering"
    /\ \E m \in msgs :
        /\ IsAnswer(r, m) /\ m.view = View(r)
        /\ m.n <= Committed(r) \/ \E n \in m.n..Len(Log(r)) : IsPrimarys(Log(r), View(r), n)
    /\ Become(r, "backup")
    /\ UNCHANGED <<disk, msgs, decided>>

-----------------------------------------------------------------------------

\* What a replica does.
Act(r) ==
    \/ Sync(r) \/ Flush(r) \/ StartView(r) \/ Follow(r) \/ StepDown(r) \/ Recover(r)
    \/ r \in Crashing /\ Last(disk[r]).life <= MaxLife /\ \E n \in 1..Len(disk[r]) : Crash(r, n)
    \/ \E v \in 1..MaxView : Enter(r, v)
    \/ \E o \in Operation : Request(r, o)
    \/ \E n \in 1..Len(Log(r)) : Commit(r, n) \/ Learn(r, n)
    \/ \E m \in msgs : Fetch(r, m) \/ AcceptPrepare(r, m) \/ TakeImage(r, m) \/ Recognize(r, m)

\* All parts of a log, or what follows a part.
Parts(l) == {x \in (0..Len(l)) \X (1..Len(l)) : IF Pieces THEN x[1] + x[2] <= Len(l) ELSE x[1] + x[2] = Len(l)}

\* What it says.
Says(r) ==
    LET d == Durable(r)
    IN  (IF MayDoViewChange(r) THEN {DoViewChangeOf(r)} ELSE {})
        \cup {OkOf(r, n) : n \in {n \in 1..Len(d.log) : MayAcknowledge(r, n)}}
        \cup (IF role[r] # "primary" THEN {} ELSE
              {PartOf(r, "Prepare", x[1], x[2]) : x \in Parts(Log(r))} \cup {CommitOf(r)})
        \cup (IF role[r] # "view-change" \/ r = Primary(View(r)) THEN {} ELSE
              {PartOf(r, "NewState", x[1], x[2]) : x \in Parts(Log(r))})
        \cup (IF Images /\ MaySendImage(r) THEN {ImageOf(r)} ELSE {})
        \cup (IF MayAsk(r) THEN {RecoveryOf(r)} ELSE {})
        \cup {ResponseOf(r, m) : m \in {m \in msgs : MayRespond(r, m)}}

Next == \E r \in Replica : Act(r) \/ \E m \in Says(r) : Send(m) /\ UNCHANGED <<disk, role, decided>>
Spec == Init /\ [][Next]_vars

\* All is said as soon as it may be: see Raft.tla.
Unsaid == UNION {Says(r) : r \in Replica} \ msgs
EagerNext ==
    IF Unsaid # {} THEN msgs' = msgs \cup Unsaid /\ UNCHANGED <<disk, role, decided>>
    ELSE \E r \in Replica : Act(r)
EagerSpec == Init /\ [][EagerNext]_vars

\* Views end, nobody gives up, and nobody crashes: the last primary has its way.
Calm == \A r \in Replica : role[r] = "primary" => role'[r] = "primary" \/ View(r)' > View(r)
LiveSpec == Init /\ [][EagerNext /\ Calm]_vars /\ WF_vars(EagerNext /\ Calm)

-----------------------------------------------------------------------------
(* Invariants                                                              *)

TypeOK ==
    /\ role \in [Replica -> {"backup", "view-change", "primary", "recovering"}]
    /\ \A r \in Replica : \A n \in 1..Len(disk[r]) :
          LET x == disk[r][n]
          IN  x.view \in 0..MaxView /\ x.part \in {"none", "change", "primary"} /\ x.commit \in 0..Len(x.log)

\* What is committed is committed once and for all.
Agreement == \A a, b \in decided : IsPrefix(a[2], b[2]) \/ IsPrefix(b[2], a[2])
IsCommitted == \A r \in Replica : Committed(r) > 0 => \E d \in decided : IsPrefix(Prefix(Log(r), Committed(r)), d[2])

\* A view begins with all that was committed in those before.  VRR 4.2, "Correctness"
Survives == \A r \in Replica : role[r] = "primary" =>
    \A d \in decided : d[1] < View(r) => IsPrefix(d[2], Log(r))

\* No two entries have the same viewstamp, and what comes before it is the same.
Viewstamps == \A r, q \in Replica : \A n \in 1..Len(Log(r)) :
    Has(Log(q), n, Log(r)[n].view) => Prefix(Log(r), n) = Prefix(Log(q), n)

\* Nobody holds what the primary of its view does not.
OneLogAView == \A r, q \in Replica :
    View(r) = View(q) /\ role[q] = "primary" /\ Log(r) # <<>> /\ LastView(Log(r)) = View(q) => IsPrefix(Log(r), Log(q))

-----------------------------------------------------------------------------
(* Temporal properties                                                     *)

DecidedStays == [][decided \subseteq decided']_vars
ViewsGrow == [][\A r \in Replica : Durable(r).view' >= Durable(r).view]_vars

\* The log fills, and all learn it.
Progress == <>(\A r \in Replica : Committed(r) >= MaxOp)

Alike == Permutations(Operation)
=============================================================================
