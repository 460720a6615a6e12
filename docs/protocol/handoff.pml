/* How one call survives a change of agent, a crash, a freeze and a drain: the protocol of libs/handoff and libs/worker.
 *
 * README.md beside this file says what is modelled, what is assumed and how to read a counterexample. `make model` checks it.
 * Every atomic block is one step that others see whole: one script in Redis, one request to LiveKit, one act of a process.
 * Between two of them anything may happen, for any length of time: that is how a frozen process is modelled.
 * Lines printed with "store:" are the store's moves; libs/handoff/tests replays them against the real store.
 */

#ifndef AGENTS
#define AGENTS 6                /* jobs that may ever run in this call */
#endif
#ifndef HANDOFFS
#define HANDOFFS 2              /* handoffs and moves that may be begun: at most 2 */
#endif
#ifndef FAULTS
#define FAULTS 2                /* how often something goes wrong */
#endif
#ifndef DRAINS
#define DRAINS 1                /* whether worker 0 may be told to drain */
#endif
#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 5          /* as many successors may fail before the call is given up */
#endif
#ifndef LEAVES
#define LEAVES 1                /* whether the caller may hang up */
#endif
#ifndef SEIZURES
#define SEIZURES 1              /* most that one fault may lead to */
#endif
#ifndef SPREAD
#define SPREAD 1                /* 1: jobs come to both workers in turn; 0: to worker 0 as long as it takes calls */
#endif
#define WORKERS 2
#define NOBODY 255

/* What the mutants break: each is off in the protocol as it is. `python -m tools.model --mutants` turns on one
 * at a time; some are spelled #if MUTANT below, so that the protocol as it is has no step for them. */
#ifndef MUTANT
#define MUTANT 0
#endif
#define SEIZE_WITHOUT_CAS        (MUTANT == 1)   /* the guardian seizes whatever epoch it finds, held or not */
#define NOBODY_EVICTS            (MUTANT == 2)   /* neither guardian nor successor removes stale agents */
#define BACK_WITHOUT_CHECK       (MUTANT == 3)   /* take_back asks neither for the epoch nor whether the call has ended */
#define ONLY_GUARDIAN_EVICTS     (MUTANT == 4)   /* the successor does not look who else is in the room */
#define CHECK_BEFORE_JOINING     (MUTANT == 5)   /* the successor claims its floor first and joins the room then */
#define LIST_AFTER_CHECK         (MUTANT == 6)   /* the successor looks who is in the room after it has claimed its floor */
#define GIVER_SPEAKS_ON          (MUTANT == 7)   /* the giver closes its mouth after the floor was passed */
#define BACK_BEFORE_EVICTION     (MUTANT == 8)   /* the giver speaks again before the silent taker is removed */
#define SAME_NAME_FOR_TWINS      (MUTANT == 9)   /* an agent is named after its handoff, not after its job */
#define END_WITHOUT_CHECK        (MUTANT == 10)  /* end_call does not ask whether the call has ended already */
#define HANG_UP_ANYWAY           (MUTANT == 11)  /* who could not end the call deletes its room all the same */
#define LEASE_FOR_EVER           (MUTANT == 12)  /* a successor's lease does not pass before its first word */
#define NOBODY_GUARDS            (MUTANT == 13)  /* there is no guardian, only the parent of a dead job */
#define DROP_ON_DRAIN            (MUTANT == 14)  /* a draining worker stops while calls are with it */
#define EVICTION_MAY_FAIL        (MUTANT == 15)  /* an eviction that LiveKit did not answer is taken for done */
#define PASS_WITHOUT_CHECK       (MUTANT == 16)  /* pass_floor asks neither for the epoch nor for the handoff's state */
#define LOOK_WITHOUT_CLAIM       (MUTANT == 17)  /* the successor reads that the floor is its own, and takes nothing */
#define LOSER_EVICTS             (MUTANT == 18)  /* a giver that has lost the floor puts out the taker it had given it to */

/* --- the states of a handoff and their moves -------------------------------------------------------------------- */
mtype = {none, offered, accepted, dispatched, ready, taken, spoken, declined, withdrawn, expired, superseded};

/* MOVES: this table is what the model runs by, and what libs/handoff/tests compares with handoff/lifecycle.py. */
#define LEGAL(a, b) ( \
	(a == offered && (b == accepted || b == declined || b == withdrawn || b == expired || b == superseded)) || \
	(a == accepted && (b == dispatched || b == ready || b == withdrawn || b == expired || b == superseded)) || \
	(a == dispatched && (b == ready || b == withdrawn || b == expired || b == superseded)) || \
	(a == ready && (b == taken || b == withdrawn || b == expired || b == superseded)) || \
	(a == taken && (b == spoken || b == superseded)))
/* END OF MOVES */
#define FINAL(a) (a == spoken || a == declined || a == withdrawn || a == expired || a == superseded)

/* --- the store: one call ---------------------------------------------------------------------------------------- */
byte epoch = 1;
byte owner = 0;                 /* name of the agent that holds the floor, or held it last */
bool lease = true;              /* false: it has passed */
byte attempts;                  /* seizures since an owner last renewed */
bool ended;
byte lines;                     /* of the ledger */
byte handoffs;                  /* offered so far */
mtype hs[2] = none;
byte taker[2] = NOBODY;
byte given[2];           /* the epoch that pass_floor gave */

/* --- the room --------------------------------------------------------------------------------------------------- */
bool caller = true;             /* is in it */
bool inroom[AGENTS];
byte name[AGENTS] = NOBODY;     /* two jobs may come for one dispatch; LiveKit keeps the last that joined under a name */
byte awaited[AGENTS] = NOBODY;  /* of a successor that has not claimed yet: the name under which its floor was seized */
bool gate[AGENTS];              /* open: what the agent says is sent */

/* --- the processes ---------------------------------------------------------------------------------------------- */
mtype = {idle, running, dead, gone};
mtype job[AGENTS] = idle;
bit host[AGENTS];               /* its worker */
bool up[WORKERS] = true;        /* the main process: guardian, parent of jobs, taker's end of the wire */
bool draining[WORKERS];
byte bringing[WORKERS] = NOBODY; /* the successor that this guardian is about to dispatch */
byte started = 1;               /* jobs so far; agent 0 runs from the beginning */
byte names = 1;

/* --- what is on its way ----------------------------------------------------------------------------------------- */
mtype = {take, resume};
chan jobs = [4] of {mtype, byte, byte};  /* dispatches: take a handoff; or resume under a name and an epoch */
bool word[2];            /* the giver's RPC: once sent it may arrive never, late, or many times */

/* --- bookkeeping of the checks ---------------------------------------------------------------------------------- */
byte faults = FAULTS;
byte delivered[2];       /* agents that went on with the handoff's context */
byte seizures;                  /* since the last fault, while the caller was there */
byte dying;                     /* processes that have been killed and whose end is not noted yet: that comes first */
byte i_, n_;                    /* scratch of d_steps */

/* What must always be true. The last line of a counterexample says what was not. */
#define MUST(condition, otherwise) if :: (condition) :: else -> printf(otherwise); assert(false) fi

/* Not a property: a way to be shown how a rare answer of the store comes about (tools/model.py, for traces.txt). */
#ifndef TRAP
#define TRAP 0
#endif
#define REACHED(number) MUST(TRAP != number, "REACHED\n")

#define CAN_TAKE(w) (up[w] && !draining[w])
#define SOMEBODY_CAN (CAN_TAKE(0) || CAN_TAKE(1))
#define OVERTAKEN (ended || epoch != mine)

/* 'May be heard': its process is not dead, it is in the room, its gate is open. A frozen one counts: it may thaw. */
#define MAY_BE_HEARD(a) (job[a] != dead && inroom[a] && gate[a])

inline open_gate() {
	gate[me] = true;
	n_ = 0; i_ = 0;
	do
	:: i_ < AGENTS -> n_ = n_ + MAY_BE_HEARD(i_); i_++
	:: else -> break
	od;
	printf("agent %d opens its gate\n", name[me]);
	MUST(n_ <= 1, "VIOLATED P1: two agents may be heard\n");
	n_ = 0; i_ = 0
}

inline remove(who) {            /* LiveKit's RemoveParticipant */
	i_ = 0;
	do
	:: i_ < AGENTS ->
		if
		:: inroom[i_] && name[i_] == who -> inroom[i_] = false; printf("agent %d is removed from the room\n", who)
		:: else
		fi;
		i_++
	:: else -> break
	od;
	i_ = 0
}

inline join() {                 /* under a name that is in the room already: the older one is removed */
	remove(name[me]); inroom[me] = !ended; printf("agent %d joins\n", name[me])
}

inline delete_room() {
	d_step {
		MUST(ended, "VIOLATED P7: the room of a call that goes on is deleted\n");
		i_ = 0;
		do
		:: i_ < AGENTS -> inroom[i_] = false; i_++
		:: else -> break
		od;
		i_ = 0;
		printf("the room is deleted\n")
	}
}

/* --- the store's moves, each one script -------------------------------------------------------------------------- */
inline give(who) {
	MUST(!ended, "VIOLATED P8: the floor of an ended call is given\n");
	epoch++; owner = who; lease = true; attempts = 0
}

inline lapse() {                /* the lease passes */
	lease = false; printf("store: lapse epoch=%d agent=%d attempts=%d\n", epoch, owner, attempts)
}

inline supersede_open() {
	d_step {
		i_ = 0;
		do
		:: i_ < 2 ->
			if
			:: LEGAL(hs[i_], superseded) -> hs[i_] = superseded
			:: else
			fi;
			i_++
		:: else -> break
		od;
		i_ = 0
	}
}

inline end_call(as) {           /* leaves the first ending; sets ok */
	d_step {
		if
		:: ended && !END_WITHOUT_CHECK -> ok = true; printf("store: end epoch=%d -> ok\n", as)
		:: !ended && epoch != as -> ok = false; printf("store: end epoch=%d -> lost\n", as); REACHED(5)
		:: else -> ok = true; ended = true; lines++; printf("store: end epoch=%d -> ok\n", as)
		fi;
		MUST(lines <= 1, "VIOLATED P5: the call has ended twice\n")
	}
}

inline move(h_, to, who) {      /* sets ok */
	d_step {
		if
		:: who != NOBODY && taker[h_] != NOBODY && taker[h_] != who -> ok = false
		:: else ->
			if
			:: hs[h_] == to -> ok = true
			:: hs[h_] != to && !LEGAL(hs[h_], to) -> ok = false
			:: hs[h_] != to && LEGAL(hs[h_], to) && to == spoken && epoch != given[h_] -> ok = false
			:: else ->
				ok = true; hs[h_] = to;
				if
				:: who != NOBODY -> taker[h_] = who
				:: else
				fi
			fi
		fi;
		printf("store: move handoff=%d to=%e agent=%d -> %d\n", h_, to, who, ok);
		MUST(TRAP != 6 || ok || who == NOBODY || hs[h_] != ready, "REACHED\n")
	}
}

inline list_room() {            /* what LiveKit's answer to a join tells, or the SDK later */
	listed = 0; i_ = 0;
	do
	:: i_ < AGENTS ->
		if
		:: inroom[i_] && name[i_] != name[me] -> listed = listed | (1 << name[i_])
		:: else
		fi;
		i_++
	:: else -> break
	od;
	i_ = 0
}

inline remove_listed() {
	i_ = 0;
	do
	:: i_ < AGENTS ->
		if
		:: inroom[i_] && name[i_] != name[me] && ((listed >> name[i_]) & 1) ->
			MUST(ended || name[i_] != owner || epoch == mine, "VIOLATED P9: an overtaken successor removes the owner\n");
			inroom[i_] = false;
			printf("agent %d is removed from the room\n", name[i_])
		:: else
		fi;
		i_++
	:: else -> break
	od;
	listed = 0; i_ = 0
}

/* --- an agent ---------------------------------------------------------------------------------------------------- */
/* What an owner's checkpoint does beside its work: it renews, it learns that the floor is lost or the room is. */
#define RENEWS atomic { !lease && !OVERTAKEN -> lease = true; attempts = 0; printf("store: renew epoch=%d -> ok\n", mine) }
#define LEARNS atomic { OVERTAKEN -> gate[me] = false; printf("store: renew epoch=%d -> lost\n", mine) }

inline claim() {                /* claim_floor: of two jobs that come for one successor one takes its floor, under its own name */
	atomic {
		if
		:: !ended && owner == h && epoch == mine && !LOOK_WITHOUT_CLAIM ->
			owner = name[me];
			printf("store: claim epoch=%d agent=%d awaited=%d -> ok\n", mine, name[me], h)
		:: !ended && owner == h && epoch == mine && LOOK_WITHOUT_CLAIM
		:: else ->
			printf("store: claim epoch=%d agent=%d awaited=%d -> lost\n", mine, name[me], h); REACHED(9);
			leave(); goto end_gone
		fi;
		h = 0; awaited[me] = NOBODY
	}
}

inline leave() {                /* the call, if it lives, is somebody else's */
	gate[me] = false; inroom[me] = false; job[me] = gone; name[me] = NOBODY; awaited[me] = NOBODY; host[me] = 0;
	h = 0; mine = 0; listed = 0; ok = false;
	printf("agent leaves\n")
}

inline close_handoff() {        /* nobody shall take it any more: who has come for it leaves by itself */
	move(h, withdrawn, NOBODY);
	if
	:: !ok -> move(h, superseded, NOBODY)
	:: else
	fi;
	ok = false
}

inline call_off() {             /* and its taker is put out; one that comes later will not get ready */
	close_handoff();
	if
	:: taker[h] != NOBODY && !NOBODY_EVICTS -> d_step { remove(taker[h]) }
#if MUTANT == 15
	:: taker[h] != NOBODY
#endif
	:: taker[h] == NOBODY || NOBODY_EVICTS
	fi
}

inline lost() {                 /* the call is somebody else's, and so is the right to put anybody out: that may be the taker again */
#if MUTANT == 18
	call_off();
#else
	close_handoff();
#endif
	leave()
}

proctype Agent(byte me) provided (dying == 0 || job[_pid - 1] == dead) {
	byte h;                     /* the handoff that it takes or gives; of a successor: the name under which its floor was seized */
	byte mine;                  /* the epoch under which it holds the floor */
	short listed;               /* names seen in the room */
	bool ok;
	mtype what;

end_idle:
	{
		if
		:: atomic { me == 0 -> mine = 1; goto end_talk }    /* it answered the caller: it holds the floor and speaks */
		:: atomic {             /* LiveKit assigns a dispatch to a worker that takes calls; that starts a job; the job joins */
				started == me && SOMEBODY_CAN && nempty(jobs) ->
				jobs ? what, h, mine; started++;
				host[me] = (SPREAD -> me & 1 : 0);
				host[me] = (CAN_TAKE(host[me]) -> host[me] : 1 - host[me]);
				job[me] = running;
				if
				:: what == resume && !LOOK_WITHOUT_CLAIM -> what = 0; name[me] = names; names++; awaited[me] = h; goto successor
				:: what == resume && LOOK_WITHOUT_CLAIM -> what = 0; name[me] = h; goto successor
				:: what == take && SAME_NAME_FOR_TWINS -> what = 0; name[me] = 12 + h
				:: what == take && !SAME_NAME_FOR_TWINS -> what = 0; name[me] = names; names++
				fi;
				d_step { join() };
				printf("agent %d has come for handoff %d\n", name[me], h)
			}
		fi;

		/* --- a taker: joins silently, gets ready, waits for the floor, speaks --- */
		atomic {
			move(h, ready, name[me]);
			if
			:: ok -> ok = false
			:: else -> leave(); goto end_gone
			fi
		};
end_ready:
		atomic {                /* the giver's word, or the store's; a lost event of the store is made up by reading again */
			if
			:: word[h] -> printf("agent %d has the giver's word\n", name[me])
			:: hs[h] == taken -> printf("agent %d reads in the store that its handoff is taken\n", name[me])
			:: FINAL(hs[h]) || !inroom[me] || ended
			fi;
			if                  /* either is verified in the store */
			:: !ended && owner == name[me] -> mine = epoch
			:: else -> leave(); goto end_gone
			fi
		};
		d_step {
			delivered[h]++;
			MUST(delivered[h] <= 1, "VIOLATED P4: two agents go on with one context\n");
			open_gate()
		};
		if
		:: atomic { !caller && inroom[me] -> h = 0; goto hang_up }
		:: atomic {
				move(h, spoken, NOBODY);
				if
				:: ok -> ok = false; h = 0; goto end_talk
				:: else -> leave(); goto end_gone
				fi
			}
		fi;

		/* --- a successor: joins, sees who is there, claims its floor, removes the others, speaks --- */
successor:
#if MUTANT == 5
		claim();
#endif
		if
		:: d_step { join(); list_room() }
		fi;
#if MUTANT != 5
		claim();
#endif
#if MUTANT != 2 && MUTANT != 4
		if
		:: d_step {
				if
				:: LIST_AFTER_CHECK -> list_room()
				:: else
				fi;
				remove_listed()
			}
#if MUTANT == 15
		:: true
#endif
		fi;
#endif
		d_step { open_gate() };
		atomic {                /* the first frame has played: it renews for the first time */
			if
			:: OVERTAKEN -> printf("store: renew epoch=%d -> lost\n", mine); leave(); goto end_gone
			:: else -> lease = true; attempts = 0; printf("store: renew epoch=%d -> ok\n", mine)
			fi
		};

		/* --- an owner --- */
end_talk:
		if
		:: RENEWS -> goto end_talk
		:: atomic { LEARNS -> leave(); goto end_gone }
		:: atomic { !inroom[me] && !OVERTAKEN ->    /* put out, and it does not know why: it lets its lease pass, so that nobody need wait for that */
				if
				:: lease -> lapse()
				:: else
				fi;
				leave(); goto end_gone
			}
		:: atomic { !caller && inroom[me] -> goto hang_up }
#ifdef LIVE
		:: atomic { caller && inroom[me] && lease && !OVERTAKEN && !draining[host[me]] -> goto end_talk }    /* they talk on and on */
#endif
		:: atomic {             /* the caller wants another service, or the worker drains: then the same service, elsewhere */
				caller && handoffs < HANDOFFS && (!draining[host[me]] || CAN_TAKE(1 - host[me])) ->
				h = handoffs;
				if
				:: OVERTAKEN -> printf("store: offer handoff=%d epoch=%d -> refused\n", h, mine); REACHED(7); leave(); goto end_gone
				:: else -> handoffs++; hs[h] = offered; printf("store: offer handoff=%d epoch=%d -> ok\n", h, mine)
				fi
			}
		fi;

		/* --- a giver: offer, dispatch, announce, wait, fall silent, pass, make sure that the taker speaks --- */
offering:
		if
		:: atomic { hs[h] == offered && draining[host[me]] -> move(h, accepted, NOBODY); ok = false; goto offering }  /* a move: by itself */
		:: atomic { hs[h] == accepted -> jobs ! take, h, 0; printf("handoff %d is dispatched\n", h) }
		:: atomic { true -> call_off(); h = 0; goto end_talk }      /* declined, or no answer in time */
		:: atomic { LEARNS -> lost(); goto end_gone }
		fi;
		atomic { move(h, dispatched, NOBODY); ok = false };
waiting:
		if
		:: RENEWS -> goto waiting
		:: atomic { LEARNS -> lost(); goto end_gone }
		:: atomic { true -> call_off(); h = 0; goto end_talk }      /* no taker in time, its service lost, the caller gone */
		:: atomic { hs[h] == ready ->
#if MUTANT != 7
				gate[me] = false;
#endif
				printf("agent %d sees that handoff %d is ready, and falls silent\n", name[me], h)
			}
		fi;

		atomic {
			if
			:: OVERTAKEN && !PASS_WITHOUT_CHECK ->
				printf("store: pass handoff=%d epoch=%d -> lost\n", h, mine); REACHED(1); lost(); goto end_gone
			:: !OVERTAKEN && hs[h] != ready && !PASS_WITHOUT_CHECK ->
				printf("store: pass handoff=%d epoch=%d -> illegal\n", h, mine); REACHED(2); call_off(); goto speak_again
			:: else ->
				give(taker[h]); hs[h] = taken; given[h] = epoch;
				printf("store: pass handoff=%d epoch=%d -> ok epoch=%d agent=%d\n", h, mine, epoch, owner);
				if
				:: word[h] = true
				:: faults > 0 -> faults--; seizures = 0; printf("FAULT: the store's answer is lost\n"); call_off(); goto speak_again
				fi
			fi
		};
		if
		:: atomic { hs[h] == spoken -> leave(); goto end_gone }
		:: atomic { true ->
				printf("agent %d hears no word of the taker\n", name[me]);
				if
				:: (ended || epoch != given[h]) && !BACK_WITHOUT_CHECK ->
					printf("store: back handoff=%d epoch=%d agent=%d -> lost\n", h, mine + 1, name[me]); REACHED(3); lost(); goto end_gone
				:: (BACK_WITHOUT_CHECK || !(ended || epoch != given[h])) && hs[h] != taken ->   /* it did speak, in this very moment */
					printf("store: back handoff=%d epoch=%d agent=%d -> illegal\n", h, mine + 1, name[me]); REACHED(4); leave(); goto end_gone
				:: else ->
					give(name[me]); hs[h] = superseded;
					printf("store: back handoff=%d epoch=%d agent=%d -> ok epoch=%d\n", h, mine + 1, name[me], epoch); REACHED(8);
					mine = epoch;
					if
					:: true
					:: faults > 0 -> faults--; seizures = 0; printf("FAULT: the store's answer is lost\n"); leave(); goto end_gone
					fi
				fi
			}
		fi;
#if MUTANT == 8
		d_step { open_gate() };
#endif
		atomic { call_off() };
speak_again:
		atomic { h = 0; d_step { open_gate() }; goto end_talk };

		/* --- the end of the call --- */
hang_up:
		atomic {
			end_call(mine);
			if
			:: ok || HANG_UP_ANYWAY -> delete_room()
			:: else
			fi;
			leave()
		}
	} unless { d_step { job[me] == dead -> h = 0; mine = 0; listed = 0; ok = false; dying-- } };
end_gone:
	false
}

inline die(a) {                 /* LiveKit lists a dead agent for another 21 s; nothing here asks for that */
	job[a] = dead; gate[a] = false; inroom[a] = false; dying++
}

inline stop_children(w_) {
	i_ = 0;
	do
	:: i_ < AGENTS ->
		if
		:: job[i_] == running && host[i_] == w_ -> die(i_)
		:: else
		fi;
		i_++
	:: else -> break
	od;
	i_ = 0
}

/* --- a worker's main process: parent of its jobs, and guardian of every call ------------------------------------- */
#define DIED_HERE(a, w) (job[a] == dead && host[a] == w && (name[a] == owner || awaited[a] == owner))
#define LOST_A_CHILD(w) (DIED_HERE(0, w) || DIED_HERE(1, w) || DIED_HERE(2, w) || DIED_HERE(3, w) || DIED_HERE(4, w) || DIED_HERE(5, w))
#define LIVES_HERE(a, w) (job[a] == running && host[a] == w)
#define HAS_A_CHILD(w) (LIVES_HERE(0, w) || LIVES_HERE(1, w) || LIVES_HERE(2, w) || LIVES_HERE(3, w) || LIVES_HERE(4, w) || LIVES_HERE(5, w))
#define TAKER_DIED(h, a, w) (job[a] == dead && host[a] == w && name[a] == taker[h])
#define LOST_A_TAKER(h, w) (LEGAL(hs[h], withdrawn) && \
	(TAKER_DIED(h, 1, w) || TAKER_DIED(h, 2, w) || TAKER_DIED(h, 3, w) || TAKER_DIED(h, 4, w) || TAKER_DIED(h, 5, w)))
#define GIVE_UP_TAKER(h) atomic { LOST_A_TAKER(h, w) -> hs[h] = withdrawn; printf("store: move handoff=%d to=withdrawn agent=255 -> 1\n", h) }

proctype Worker(bit w) provided (dying == 0 || !up[_pid - AGENTS - 1]) {
	byte seen, child, tried;
	bool ok;
#if MUTANT == 4
	byte stale;
	bool evicted, sent;
#endif

end_watch:
	{
		if
		:: atomic { !ended && LOST_A_CHILD(w) -> seen = epoch; child = owner; printf("worker %d: its job, agent %d, died\n", w, owner) }
		:: atomic { !ended && !lease && !NOBODY_GUARDS -> seen = epoch; child = NOBODY; printf("worker %d sees that the lease of agent %d has passed\n", w, owner) }
		:: atomic { draining[w] && (!HAS_A_CHILD(w) || DROP_ON_DRAIN) ->
				MUST(!HAS_A_CHILD(w), "VIOLATED P10: a drain drops a call\n");
				printf("worker %d has drained\n", w);
				d_step { up[w] = false; dying++ }
			}
		:: GIVE_UP_TAKER(0) -> goto end_watch
		:: GIVE_UP_TAKER(1) -> goto end_watch
#ifdef LIVE
		:: atomic { lease && !ended && !LOST_A_CHILD(w) && !draining[w] -> goto end_watch }     /* it looks, again and again */
#endif
		fi;
		atomic {                /* seize_floor */
			if
			:: (ended || epoch != seen || (lease && child != owner)) && !SEIZE_WITHOUT_CAS ->
				printf("store: seize epoch=%d agent=%d dead=%d -> lost\n", seen, names, child);
				seen = 0; child = 0;
				goto end_watch
			:: else ->
				MUST(!lease || child == owner, "VIOLATED P9: the floor is taken from a living owner\n");
				tried = attempts;
#if MUTANT == 4
				stale = owner;
#endif
				give(names);
				names++; attempts = tried + 1; tried = 0; supersede_open();
				if
				:: caller && SOMEBODY_CAN -> seizures++
				:: else
				fi;
				MUST(seizures <= SEIZURES, "VIOLATED P3: more seizures than faults\n");
				printf("store: seize epoch=%d agent=%d dead=%d -> ok epoch=%d\n", seen, owner, child, epoch);
				seen = epoch; child = owner;
				bringing[w] = owner
			fi
		};
#if MUTANT == 4
		do                      /* at the same time, so in either order */
		:: !evicted -> d_step { remove(stale); evicted = true }
		:: !sent -> atomic { jobs ! resume, child, seen; bringing[w] = NOBODY; sent = true }
		:: evicted && sent -> evicted = false; sent = false; break
		od;
		goto end_watch;
#endif
		atomic {                /* its eviction of the stale agent is nothing to rely on: it may die first, or LiveKit not answer */
			if
			:: caller && attempts <= MAX_ATTEMPTS ->
				jobs ! resume, child, seen;
				printf("worker %d sends for the successor, agent %d\n", w, child)
			:: else ->              /* the caller was gone, or nobody could take the call */
				end_call(seen);
				if
				:: ok -> delete_room()
				:: else
				fi
			fi;
			bringing[w] = NOBODY; seen = 0; child = 0; ok = false;
			goto end_watch
		}
	} unless { d_step { !up[w] -> seen = 0; child = 0; tried = 0; ok = false; dying-- } }
}

/* --- the world: the caller, the clock, the network, and what goes wrong ------------------------------------------ */
#define COMES(a) (job[a] == running && (name[a] == owner || awaited[a] == owner))
#define IN_CHARGE (COMES(0) || COMES(1) || COMES(2) || COMES(3) || COMES(4) || COMES(5) || \
	jobs ?? [resume, eval(owner), eval(epoch)] || (up[0] && bringing[0] == owner) || (up[1] && bringing[1] == owner))
#define SPEAKS(a) (job[a] == running && inroom[a] && gate[a] && name[a] == owner)
#define OWNER_SPEAKS (SPEAKS(0) || SPEAKS(1) || SPEAKS(2) || SPEAKS(3) || SPEAKS(4) || SPEAKS(5))
#define RUNS(a) (job[a] == running)
#define RUNNING (RUNS(0) + RUNS(1) + RUNS(2) + RUNS(3) + RUNS(4) + RUNS(5))
#define FAULT faults > 0 -> faults--; seizures = 0
#define KILL(a) d_step { job[a] == running && FAULT; printf("FAULT: the job of agent %d is killed\n", name[a]); die(a) }
#define KILL_WORKER(w) d_step { up[w] && FAULT; printf("FAULT: worker %d is killed, its jobs with it\n", w); \
	bringing[w] = NOBODY; stop_children(w); up[w] = false; dying++ }
#define FREEZE_WORKER(w) d_step { up[w] && FAULT; printf("FAULT: the main process of worker %d is frozen for good\n", w); \
	bringing[w] = NOBODY; up[w] = false; dying++ }
#define ANSWER(h) atomic { hs[h] == offered && SOMEBODY_CAN -> \
	if \
	:: hs[h] = accepted; printf("store: move handoff=%d to=accepted agent=255 -> 1\n", h) \
	:: hs[h] = declined; printf("store: move handoff=%d to=declined agent=255 -> 1\n", h) \
	fi }
#define EXPIRE(h) atomic { LEGAL(hs[h], expired) && FAULT; hs[h] = expired; printf("store: move handoff=%d to=expired agent=255 -> 1\n", h) }

proctype World() provided (dying == 0) {
	mtype what;
	byte x, y;
	bool stays = !LEAVES;
	bool may_drain = DRAINS;

end_world:
	do
	:: atomic { lease && !ended && !IN_CHARGE && !LEASE_FOR_EVER -> lapse() }
	:: ANSWER(0)
	:: ANSWER(1)
	:: atomic { nempty(jobs) && !SOMEBODY_CAN -> jobs ? what, x, y; printf("a dispatch finds no worker\n"); what = 0; x = 0; y = 0 }
	/* the caller */
	:: atomic { caller && !stays -> caller = false; stays = true; printf("the caller hangs up\n") }
	/* a deploy */
	:: atomic { may_drain && up[0] -> draining[0] = true; may_drain = false; printf("worker 0 drains\n") }
	/* faults */
	:: KILL(0)
	:: KILL(1)
	:: KILL(2)
	:: KILL(3)
	:: KILL(4)
	:: KILL(5)
	:: KILL_WORKER(0)
	:: KILL_WORKER(1)
	:: FREEZE_WORKER(0)
	:: FREEZE_WORKER(1)
	:: atomic { lease && !ended && FAULT; printf("FAULT: who should renew is frozen, slow, or cut off from the store\n"); lapse() }
	:: atomic { nempty(jobs) && FAULT; jobs ? what, x, y; printf("FAULT: a dispatch is lost\n"); what = 0; x = 0; y = 0 }
	:: atomic { nempty(jobs) && nfull(jobs) && FAULT; jobs ? <what, x, y>; jobs ! what, x, y; printf("FAULT: a dispatch comes twice\n"); what = 0; x = 0; y = 0 }
	:: EXPIRE(0)
	:: EXPIRE(1)
	/* no more of it: what is left must come right by itself */
	:: atomic { faults > 0 || !stays || may_drain -> faults = 0; stays = true; may_drain = false }
#ifndef LIVE
	/* nothing can happen any more: is everything where it should be? */
	:: timeout ->
		printf("store: final epoch=%d agent=%d lines=%d handoff0=%e handoff1=%e\n", epoch, owner, lines, hs[0], hs[1]);
		MUST(len(jobs) == 0, "the model is too small: more AGENTS are needed\n");
		MUST(lines == ended, "VIOLATED P5: an ending without its line\n");
		MUST(!ended || RUNNING == 0, "VIOLATED P6: an agent waits in a call that has ended\n");
		MUST(ended || !SOMEBODY_CAN || OWNER_SPEAKS, "VIOLATED P6: nobody speaks, and nobody will\n");
		MUST(ended || !SOMEBODY_CAN || RUNNING == 1, "VIOLATED P6: an agent waits for ever\n");
		MUST(ended || !SOMEBODY_CAN || caller, "VIOLATED P5: the caller has gone, and the call does not end\n");
		break
#endif
	od
}

init {
	atomic {
		name[0] = 0; inroom[0] = true; gate[0] = true; job[0] = running;
		printf("store: take agent=0 -> ok epoch=1\n");
		run Agent(0); run Agent(1); run Agent(2); run Agent(3); run Agent(4); run Agent(5);
		run Worker(0); run Worker(1);
		run World()
	}
}

#ifdef LIVE
/* P2: from any moment on, sooner or later: a living owner speaks, or the call has ended, or no worker takes calls. */
ltl comes_back { [] <> (OWNER_SPEAKS || ended || !SOMEBODY_CAN) }
/* P5: who hangs up has his ending. */
ltl comes_to_an_end { [] (!caller -> <> (ended || !SOMEBODY_CAN)) }
#endif
