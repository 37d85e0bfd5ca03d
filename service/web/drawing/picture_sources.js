// Files, drops, pastes and the camera become one picture, handed to `use` as a Blob.

import { find } from '../common/elements.js';

export function listen(use) {
  find('file').addEventListener('change', (event) => {
    if (event.target.files.length) use(event.target.files[0]);
    event.target.value = '';
  });
  document.addEventListener('paste', (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith('image/'));
    if (file) use(file);
  });
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  for (const name of ['dragleave', 'drop']) {
    document.addEventListener(name, () => document.body.classList.remove('dropping'));
  }
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) use(event.dataTransfer.files[0]);
  });
  if (navigator.mediaDevices?.getUserMedia) watchCamera(use);
}

function watchCamera(use) {
  const dialog = find('viewfinder');
  const video = dialog.querySelector('video');
  const open = find('camera');
  open.hidden = false;
  open.addEventListener('click', async () => {
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    } catch {
      open.hidden = true; // No camera, or not allowed: the button would stay dead.
      return;
    }
    dialog.showModal();
    await video.play();
  });
  dialog.addEventListener('close', () => video.srcObject?.getTracks().forEach((track) => track.stop()));
  dialog.addEventListener('click', async (event) => {
    if (event.target.value === 'take') use(await still(video));
    if (event.target.value) dialog.close();
  });
}

function still(video) {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext('2d').drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}
