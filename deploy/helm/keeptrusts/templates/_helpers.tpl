{{- define "keeptrusts.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "keeptrusts.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "keeptrusts.labels" -}}
{{ include "keeptrusts.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* An image by its digest, else by its tag. */ -}}
{{- define "keeptrusts.image" -}}
{{- $name := printf "%s%s" .root.Values.imageRegistry .image.repository -}}
{{- if .image.digest -}}
{{ printf "%s@%s" $name .image.digest }}
{{- else -}}
{{ printf "%s:%s" $name (.image.tag | default .root.Chart.AppVersion) }}
{{- end -}}
{{- end -}}

{{- /* What every pod has. Nothing here asks the cluster's API. */ -}}
{{- define "keeptrusts.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "keeptrusts.spread" -}}
{{- $selector := include "keeptrusts.selector" . }}
{{- with .root.Values.topologyKeys }}
topologySpreadConstraints:
  {{- range . }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "keeptrusts.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- /* The settings of the control plane, and its secrets as files. */ -}}
{{- define "keeptrusts.environment" -}}
# The volume's root is the cluster's; a folder in it is the control plane's alone.
- name: KEEPTRUSTS_DATA_DIR
  value: /var/lib/keeptrusts/data
- name: KEEPTRUSTS_SECRET_KEY_FILE
  value: /run/secrets/keeptrusts/secret-key
- name: DATABASE_URL_FILE
  value: /run/secrets/keeptrusts/database-url
- name: REDIS_URL_FILE
  value: /run/secrets/keeptrusts/redis-url
- name: KEEPTRUSTS_PUBLIC_URL
  value: {{ .Values.controlPlane.publicUrl | quote }}
- name: KEEPTRUSTS_EVENTS_URL
  value: {{ .Values.controlPlane.eventsUrl | quote }}
{{- range $name, $value := .Values.controlPlane.settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- define "keeptrusts.mounts" -}}
- name: data
  mountPath: /var/lib/keeptrusts
- name: tmp
  mountPath: /tmp
- name: secrets
  mountPath: /run/secrets/keeptrusts
  readOnly: true
{{- end -}}

{{- define "keeptrusts.volumes" -}}
- name: data
  emptyDir: {}
- name: tmp
  emptyDir: {}
- name: secrets
  secret:
    secretName: {{ .Values.controlPlane.existingSecret }}
    defaultMode: 0440
    items:
      - {key: secret-key, path: secret-key}
      - {key: database-url, path: database-url}
      - {key: redis-url, path: redis-url}
{{- end -}}
