// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/sandbox.
/* Confines a VM, and lists the files that it still needs. Start reading at vm_confine. */
#include "devices/virtio/pmem_backing.h"
#include "vmm/base/file_lock.h"
#include "vmm/vm/result.h"
#include "vmm/vm/vm_state.h"

int vm_confine(struct vm *vm, const struct result *result, struct error *err)
{
	struct kept_file
		files[CONTROL_MAX_SOCKETS + LAYOUT_VIRTIO_SLOTS + VM_CONSOLES_MAX_FILES + 1];
	unsigned n = control_list_files(&vm->control, files);
	int ret;

	n += vm_devices_list_files(vm, &files[n]);
	n += vm_consoles_list_files(vm, &files[n]);
	if (result_file(result, &files[n]))
		n++;
	vm->has_files = vm->controlled || n || vm_consoles_listen(vm);
	ret = sandbox_confine(vm->sandbox,
			      &(struct sandbox_files){ files, n, vm->save.dir_fd, vm->save.where },
			      err);
	if (ret == 0 && vm->die_with_parent)
		ret = launcher_watch_parent(&vm->launcher, err);
	for (unsigned i = 0; i < vm->n_pmem && ret == 0; i++)
		ret = error_blame_option(
			err, pmem_backing_lock_again(&vm->machine->pmem[i].backing, err));
	if (ret < 0)
		return ret;
	/* And the memory that it was restored from. */
	ret = file_lock_take_again();
	return ret < 0 ? error_system(err, -ret, "--restore: its memory cannot be locked again")
		       : 0;
}

int vm_confine_thread(const struct vm *vm)
{
	enum sandbox_thread thread = SANDBOX_LOOP;

	if (vm_devices_connect(vm))
		thread = vm->sandbox->n_allowed ? SANDBOX_LOOP_VSOCK_PLUG : SANDBOX_LOOP_VSOCK;
	else if (vm->sandbox->n_allowed)
		thread = SANDBOX_LOOP_PLUG;
	else if (vm->has_files)
		thread = SANDBOX_LOOP_CONTROL;
	return sandbox_confine_thread(vm->sandbox, thread,
				      (struct sandbox_descriptors){ .vm = vm->kvm.vm_fd });
}

int vm_confine_vcpu(struct vm *vm, const struct vcpu *vcpu)
{
	return sandbox_confine_thread(vm->sandbox, SANDBOX_VCPU,
				      (struct sandbox_descriptors){ vm->kvm.vm_fd, vcpu->fd });
}
