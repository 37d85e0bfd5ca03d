// Passes opened, dropped, pasted and photographed pictures to `use`, each as a Blob.

import { byId } from '../common/elements.js';

export function listenForPictures(use) {
  byId('file').addEventListener('change', (event) => {
    if (event.target.files.length) use(event.target.files[0]);
    event.target.value = '';
  });
  document.addEventListener('paste', (event) => {
    const picture = [...(event.clipboardData?.files ?? [])].find((file) => file.type.startsWith('image/'));
    if (picture) use(picture);
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
  if (navigator.mediaDevices?.getUserMedia) offerCamera(use);
}

function offerCamera(use) {
  const dialog = byId('camera-dialog');
  const video = dialog.querySelector('video');
  const openButton = byId('camera');
  openButton.hidden = false;
  openButton.addEventListener('click', async () => {
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    } catch {
      openButton.hidden = true; // There is no camera, or the page may not use it.
      return;
    }
    dialog.showModal();
    await video.play();
  });
  dialog.addEventListener('close', () => video.srcObject?.getTracks().forEach((track) => track.stop()));
  dialog.addEventListener('click', async (event) => {
    if (event.target.value === 'take') use(await takePicture(video));
    if (event.target.value) dialog.close();
  });
}

function takePicture(video) {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext('2d').drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}
