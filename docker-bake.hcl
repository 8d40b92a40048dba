# All three images, for both platforms: docker buildx bake. One, for this machine: docker buildx bake api --load --set '*.platform='

variable "VERSION" {
  default = "latest"
}

group "default" {
  targets = ["api", "web", "mlflow"]
}

target "image" {
  name = image.name
  matrix = {
    image = [
      { name = "api", repository = "stream_pose_ml_api" },
      { name = "web", repository = "stream_pose_ml_web_ui" },
      { name = "mlflow", repository = "stream_pose_ml_mlflow" },
    ]
  }
  dockerfile = "Dockerfile.${image.name}"
  platforms  = ["linux/amd64", "linux/arm64"]
  tags       = ["docker.io/mrilikecoding/${image.repository}:${VERSION}"]
}
