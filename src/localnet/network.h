// The local network without its sockets: directory, replicas, couriers, and the way to them.
//
// Runs on any scheduler, so in real time behind a daemon (localnet.h) as well as in virtual time in
// a simulation. The daemon's clients (client.h) work on its context(). One thread.
#pragma once

#include <memory>
#include <vector>

#include "localnet/context.h"
#include "localnet/replica.h"

namespace taubenpost::localnet {

class Network {
 public:
  // Scheduler and chance outlive the network.
  Network(Scheduler& scheduler, Random& random, Directory directory,
          std::unique_ptr<ReplicaStore> store, const Knobs& knobs,
          const DaemonBehaviour& behaviour = kRobustDaemon);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Deletes what has aged out, now and from time to time. Errors: kStoreIo.
  Status expire();
  // Nothing more happens by itself; what clients asked for goes on.
  void stop_expiry() { scheduler_.cancel(expiry_); }

  // Takes effect at the next step of whatever acts on a knob. What changes the directory's document
  // makes a new one of the same epoch, at once.
  void set_knobs(const Knobs& knobs);
  // Whom to tell of that, and of a link to the gateway that came or went.
  void on_new_document(Task tell) { new_document_ = std::move(tell); }
  void on_link_change(Task tell) { link_change_ = std::move(tell); }
  const Knobs& knobs() const { return knobs_; }
  // A restart forgets what is in memory: caches, copies and verdicts of a courier; what a replica
  // had still to send to others. False if there is none at this position.
  bool restart_courier(std::size_t position);
  bool restart_replica(std::size_t id);

  const Context& context() const { return context_; }
  const Audit& audit() const { return audit_; }

 private:
  std::unique_ptr<Courier> make_courier(std::size_t position);

  Scheduler& scheduler_;
  Knobs knobs_;
  const Directory directory_;
  Audit audit_;
  const std::unique_ptr<ReplicaStore> store_;
  Replicas replicas_;
  std::vector<std::unique_ptr<Courier>> couriers_;
  GatewayLink gateway_;
  Mixnet mixnet_;
  SlotClock slots_;
  SerialWorker decrypter_;
  const Context context_;
  Task new_document_ = [] {};
  Task link_change_ = [] {};
  Scheduler::Timer expiry_ = 0;
};

}  // namespace taubenpost::localnet
